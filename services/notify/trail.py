"""What the sender hands to its neighbours, and what it needs to find its way back to a docket."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from contracts.envelope import message_id
from contracts.identity import PetitionId
from contracts.notify import SkipReason
from contracts.topics import NOTIFY
from runtime.commands import Asked, UnavailableError
from runtime.consume import Answer
from services.notify.docket import Docket
from services.notify.domain import Report
from services.notify.gateway import Sink
from services.notify.ledger import Going
from services.notify.messages import Sms


class Asker(Protocol):
    """Where results go: `runtime.commands.Commands`."""

    async def ask_all(self, asked: Sequence[Asked]) -> list[Answer | UnavailableError]:
        """Let each decide on its docket."""
        ...


class LastLook(Protocol):
    """What is known of a number across petitions: `ledger.Ledger`."""

    async def look(self, batch: Sequence[Going], now: datetime) -> list[SkipReason | None]:
        """Say of each message why it must not leave."""
        ...

    async def note(self, batch: Sequence[Going], now: datetime) -> None:
        """Count messages that leave."""
        ...


class Sent(NamedTuple):
    """The names that a gateway gave to the segments of an attempt; `expected` is how many there are to be."""

    gateway: str
    petition: PetitionId
    message: str
    attempt: int
    ids: Sequence[str]
    expected: int


class Arrivals(Sink, Protocol):
    """Where arrivals go, and where the names are kept that receipts will use: `arrivals.Arrivals`."""

    def start(self) -> None:
        """Look again and again for what was left behind."""
        ...

    def stop(self) -> None:
        """Look no more."""
        ...

    async def register(self, sent: Sequence[Sent], now: datetime) -> None:
        """Keep what receipts will call the messages."""
        ...


class Offer(NamedTuple):
    """A message that a gateway may have when it has room."""

    petition: PetitionId
    message: str
    traceparent: str | None


class Trail:
    """What a result needs to find its way back to the docket."""

    __slots__ = ("attempt", "cause", "going", "message", "petition", "segments", "traceparent")

    def __init__(
        self,
        docket: Docket,
        message: Sms,
        traceparent: str | None,
        going: Going | None = None,
        segments: int = 0,
    ) -> None:
        self.traceparent, self.going, self.segments = traceparent, going, segments
        self.petition = docket.petition
        self.message, self.attempt = message.message, message.attempt
        self.cause = message_id(NOTIFY, docket.petition, message.claim)

    def report(self, result: Any) -> Report:  # noqa: ANN401 - any of the results that Report names
        """Say how this attempt ended."""
        return Report(self.message, self.attempt, result)
