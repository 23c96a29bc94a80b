"""What every SMS gateway looks like to notify, and where it hands over what comes in later."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fastapi import APIRouter

from services.notify.sms import Attempt, Found, Inbound, NotFound, Outbound, Receipt, Result


class Sink(Protocol):
    """Where adapters hand over what comes in. When a call returns, all of it is durable.

    A call that raises (`runtime.commands.UnavailableError`) kept nothing for sure: the adapter refuses
    what it was given, so that the gateway repeats it.
    """

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        """Take what became of messages; early, late, doubled and foreign ones too."""
        ...

    async def inbound(self, batch: Sequence[Inbound]) -> None:
        """Take replies."""
        ...


@dataclass(frozen=True, slots=True)
class Caps:
    """What a gateway can: messages per call, calls at once, and whether it can be asked about an attempt.

    With one call at once the messages of a petition leave in the order in which they were claimed.
    `receipts` says whether it tells what became of a message, `replies` whether people can answer,
    `extension` how many digits may be appended to the sender's number, `rate` how many messages a second it
    takes (None: no limit known), `free_text` whether it takes any text or its vendor's templates only.
    """

    batch: int
    window: int
    query: bool
    receipts: bool = False
    replies: bool = False
    extension: int = 0
    free_text: bool = True
    rate: float | None = None


class SmsGateway(Protocol):
    """One gateway. It raises for nothing that is listed above; what it raises even so counts as Unknown."""

    name: str
    caps: Caps

    async def start(self, sink: Sink) -> Result | None:
        """Prepare; returns what stands in the way, if anything. It is called again before it is used."""
        ...

    def routes(self) -> APIRouter | None:
        """Return what it needs to be called by (receipts and replies over HTTP); mounted at `/gateways`."""
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
