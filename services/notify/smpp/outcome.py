"""What the answers to a message's segments mean for the message (`services/notify/sms.py`). Pure.

An answer with an error says that the centre did not take the segment. No answer says nothing. Of a message of
several segments the first goes alone, and only when it was taken the others follow: so most of what can go
wrong goes wrong before anything has left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.notify.smpp.pdu import Status
from services.notify.sms import (
    Accepted,
    Down,
    Fault,
    Misconfigured,
    NotSent,
    Refused,
    Result,
    Throttled,
    Unknown,
)


@dataclass(frozen=True, slots=True)
class Taken:
    """The centre has the segment; `id` is empty if it gave none."""

    id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The centre does not have the segment. `wait`: for how long nothing is written, if it was too fast."""

    status: int
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Lost:
    """The segment was written, and there is no answer."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unwritten:
    """Not one octet of the segment was written. `wait` is set if its turn would have come too late."""

    reason: str
    wait: float = 0.0


Answer = Taken | Rejected | Lost | Unwritten

TOO_FAST: Final = frozenset({Status.THROTTLED, Status.QUEUE_FULL})
LATER: Final = frozenset({Status.SYSTEM_ERROR, Status.TEMPORARY_ERROR})
# The operator of the centre has other ideas about our account or number than our settings have.
OURS: Final = frozenset(
    {
        Status.INVALID_SOURCE,
        Status.INVALID_SERVICE_TYPE,
        Status.INVALID_SOURCE_TON,
        Status.INVALID_SOURCE_NPI,
        Status.INVALID_SYSTEM_TYPE,
        Status.BIND_FAILED,
        Status.INVALID_PASSWORD,
        Status.INVALID_SYSTEM_ID,
    }
)
NUMBER: Final = frozenset(
    {Status.INVALID_DESTINATION, Status.INVALID_DESTINATION_TON, Status.INVALID_DESTINATION_NPI}
)


def code(status: int) -> str:
    """Return a status as a reason: `smpp.0x0b`."""
    return f"smpp.0x{status:02x}"


def of_bind(status: int) -> Down | Misconfigured:
    """Return what a refused bind means: our account is wrong, or the centre cannot take us now."""
    return Misconfigured(code(status)) if status in OURS else Down(code(status))


def may_repeat(answer: Answer) -> bool:
    """Whether a segment has certainly not left, and may leave a little later (5.1.3)."""
    return isinstance(answer, Unwritten) or (
        isinstance(answer, Rejected) and answer.status in TOO_FAST | LATER | {Status.INVALID_BIND_STATUS}
    )


def of_message(reference: str, answers: Sequence[Answer]) -> Result:
    """Return how a message ended: unknown, if one segment may have left and not all were taken."""
    ids = tuple(answer.id for answer in answers if isinstance(answer, Taken) and answer.id)
    for answer in answers:
        if isinstance(answer, Lost):
            return Unknown(f"smpp.{answer.reason}", ids)
    missing = [answer for answer in answers if not isinstance(answer, Taken)]
    if not missing:
        return Accepted(reference, len(answers), ids)
    result = _of_untaken(missing[0])
    if len(missing) == len(answers):
        return result
    return Unknown(f"smpp.partly-sent.{_reason(missing[0])}", ids)


def _reason(answer: Answer) -> str:
    if isinstance(answer, Rejected):
        return f"0x{answer.status:02x}"
    return answer.reason if isinstance(answer, Unwritten | Lost) else ""


def _of_untaken(answer: Answer) -> Result:
    if isinstance(answer, Unwritten):
        if answer.wait:
            return Throttled(timedelta(seconds=answer.wait))
        return NotSent(f"smpp.{answer.reason}")
    status = answer.status if isinstance(answer, Rejected) else Status.UNKNOWN_ERROR
    if status in TOO_FAST:
        return Throttled(timedelta(seconds=answer.wait if isinstance(answer, Rejected) else 0))
    if status in LATER or status == Status.INVALID_BIND_STATUS:
        return NotSent(code(status))
    if status in OURS:
        return Misconfigured(code(status))
    if status == Status.UNKNOWN_ERROR:
        # The centre itself does not know what became of it.
        return Unknown(code(status))
    return Refused(code(status), Fault.NUMBER if status in NUMBER else Fault.PARAMETER)
