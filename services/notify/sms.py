"""What passes between notify and an SMS gateway (`gateway.py`): what goes in, and the few ways it can end.

The outcomes differ in one thing: whether the message can have left. Only what certainly did not leave may be
sent again by the machine. Adapters (`outbox.py`, `smpp/`, `cloud/`) translate their gateway's codes into
these, and hand over what the gateway says later (receipts, replies).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zlib import crc32


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """One message to send. `text` is without the signature; `params` are the template's filled variables.

    Vendors approve each `version` of a template by itself.

    `reference` names this attempt, `unique` the message over all its attempts. Nothing may leave once
    `lease_until` has passed: another sender may have the message then. `extension` are digits to append to
    the sender's number, so that a reply finds its question; empty if none is expected. After `valid_until`
    the gateway should give the message up.
    """

    reference: str
    unique: str
    petition: str
    to: str
    template: str
    params: dict[str, str]
    text: str
    sign: str
    lease_until: datetime
    extension: str = ""
    valid_until: datetime | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway has it, under this reference. `ids` are the names that its receipts will use.

    That is one for each segment where the gateway names segments; empty where it sends no receipts or echoes
    our own reference in them.
    """

    reference: str
    segments: int
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing left us; it may be tried again, at once and anywhere."""

    reason: str


class Scope(StrEnum):
    """What a gateway throttles."""

    GATEWAY = "gateway"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Throttled:
    """Nothing left us: too fast."""

    retry_after: timedelta
    scope: Scope = Scope.GATEWAY


@dataclass(frozen=True, slots=True)
class Down:
    """Nothing left us: the gateway cannot be reached or takes nothing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """Nothing left us, and nothing will before an operator changes something."""

    reason: str


class Fault(StrEnum):
    """What of a message the gateway refuses for good."""

    NUMBER = "number"
    BLACKLIST = "blacklist"
    CONTENT = "content"
    PARAMETER = "parameter"


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing left us, and the same message would be refused again."""

    code: str
    kind: Fault


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have left, whole or in part: the machine never sends it again.

    `ids` name the segments that the gateway took; what becomes of them says nothing of the others.
    """

    reason: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Withheld:
    """Nothing left us, and must not: the last look before sending found why (a `SkipReason`)."""

    reason: str


NotSentResult = NotSent | Throttled | Down | Misconfigured
Result = Accepted | NotSentResult | Refused | Withheld | Unknown


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt whose end is not known: sent to `to` (E.164; empty if erased) at about `at`."""

    reference: str
    unique: str
    to: str
    at: datetime


class Delivery(StrEnum):
    """What a gateway says of a message that it took."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Found:
    """The gateway has the message, under this reference, and may know already what became of it."""

    reference: str
    segments: int
    ids: tuple[str, ...] = ()
    delivery: Delivery = Delivery.PENDING
    code: str = ""


@dataclass(frozen=True, slots=True)
class NotFound:
    """The gateway certainly does not have the message and will not get it by this attempt any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a gateway says of one message or segment, by its own name `id` or by our `reference`.

    With both, an answer came late: this `id` belongs to that reference. `mark` is set where the gateway
    echoes no more of a reference than that (`mark`). `to` is the number as the gateway writes it (may be
    empty), `code` the gateway's own word for the reason (`[A-Za-z0-9_.:-]{0,60}`, never a text), `at` when it
    says that this happened (UTC).
    """

    gateway: str
    delivery: Delivery
    at: datetime
    id: str = ""
    reference: str = ""
    to: str = ""
    code: str = ""
    mark: int | None = None


def mark(reference: str) -> int:
    """Return sixteen bits of a reference: with the number and the time, enough to tell unknown ones apart."""
    return crc32(reference.encode()) & 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A whole message that somebody sent to us, its parts joined.

    `id` is the same each time the gateway repeats it; `sender` is the number as the gateway writes it,
    `extension` the digits after our own number.
    """

    gateway: str
    id: str
    sender: str
    text: str
    at: datetime
    extension: str = ""
