"""What intake hears: the other services' facts, for the story. It states something on one of them only."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from contracts.fact import Fact
from contracts.notify import ReplyKind, ReplyReceived
from runtime.service import Heard, Refused
from services.intake.domain import Docket, decide_rate


def on_reply_received(docket: Docket, heard: Heard[ReplyReceived], now: datetime) -> Sequence[Fact]:
    """A rating by SMS counts like one on the page: once, and when there is an answer to rate."""
    if heard.fact.kind is not ReplyKind.RATING or heard.fact.score is None:
        return ()
    rated = decide_rate(docket, heard.fact.score, now)
    return () if isinstance(rated, Refused) else rated


HEARS: Final[Mapping[type[Fact], Callable[[Docket, Heard[Any], datetime], Sequence[Fact]]]] = {
    ReplyReceived: on_reply_received,
}
