"""What every SMS gateway looks like to notify: what goes in, and the few ways it can end.

The outcomes differ in one thing: whether the message can have left. Only what certainly did not leave may be
sent again by the machine. Adapters (`outbox.py`) translate their gateway's codes into these.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """One message to send. `text` is without the signature; `params` are the template's filled variables.

    `reference` names this attempt, `unique` the message over all its attempts. Nothing may leave once
    `lease_until` has passed: another sender may have the message then.
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


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway has it, under this reference."""

    reference: str
    segments: int


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
    """It may have left: the machine never sends it again."""

    reason: str


Result = Accepted | NotSent | Throttled | Down | Misconfigured | Refused | Unknown


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt whose end is not known."""

    reference: str
    unique: str


@dataclass(frozen=True, slots=True)
class Found:
    """The gateway has the message, under this reference."""

    reference: str
    segments: int


@dataclass(frozen=True, slots=True)
class NotFound:
    """The gateway certainly does not have the message and will not get it by this attempt any more."""


@dataclass(frozen=True, slots=True)
class Caps:
    """What a gateway can: messages per call, calls at once, and whether it can be asked about an attempt.

    With one call at once the messages of a petition leave in the order in which they were claimed.
    """

    batch: int
    window: int
    query: bool


class SmsGateway(Protocol):
    """One gateway. It raises for nothing that is listed above; what it raises even so counts as Unknown."""

    name: str
    caps: Caps

    async def start(self) -> Result | None:
        """Prepare; returns what stands in the way, if anything. It is called again before it is used."""
        ...

    async def send(self, batch: Sequence[Outbound]) -> Sequence[Result]:
        """Send; one result for each message, in the same order."""
        ...

    async def query(self, attempts: Sequence[Attempt]) -> Sequence[Found | NotFound | None]:
        """Tell what became of attempts whose lease has passed; None where the gateway cannot tell (yet)."""
        ...

    async def stop(self) -> None:
        """Let go of connections and files."""
        ...
