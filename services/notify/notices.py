"""Who can be told of a fact, and what the table (`texts.toml`) says of each message besides its words."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

# After this long without leaving, a message that says nothing else is pointless.
VALID: Final = timedelta(hours=72)


class Audience(StrEnum):
    """Whom a message is for."""

    PETITIONER = "petitioner"
    REPRESENTATIVES = "representatives"
    CO_SIGNERS = "co-signers"
    HANDLER = "handler"
    SUPERIOR = "superior"


# Who is on the staff: reads short words, and may see who handles a case.
STAFF: Final = frozenset({Audience.HANDLER, Audience.SUPERIOR})


@dataclass(frozen=True, slots=True)
class Notice:
    """That a template is sent to an audience, and in which version.

    `urgent` goes out at night too; `statutory` also to who opted out; after `valid` it is not sent any more;
    `question` expects a reply, so it needs a gateway that takes replies; `joins` may be sent in one SMS with
    others to the same person about the same petition (`Texts.render_joined`).
    """

    template: str
    version: str
    audience: Audience = Audience.PETITIONER
    urgent: bool = False
    statutory: bool = True
    valid: timedelta = VALID
    question: bool = False
    joins: bool = False
