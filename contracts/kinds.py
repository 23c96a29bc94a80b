"""Codes that several facts share: how a petition came in, what kind it is, how a matter ended."""

from enum import StrEnum
from typing import Final


class Channel(StrEnum):
    """The way in: the five of Regulations art. 17, then the three of the city's own practice (the seed)."""

    NETWORK = "network"
    LETTER = "letter"
    TELEPHONE = "telephone"
    FAX = "fax"
    VISIT = "visit"
    RECEPTION = "reception"
    OUTREACH = "outreach"
    GRID = "grid"


# What only staff can enter: a leader's reception, an outreach visit, a grid worker's report. A citizen may
# say that his matter came by letter, telephone, fax or visit: `first_receiver` tells who entered it, so that
# figures by channel can leave out what no clerk has entered.
STAFF_CHANNELS: Final = frozenset({Channel.RECEPTION, Channel.OUTREACH, Channel.GRID})


class Kind(StrEnum):
    """Suggestion (建议意见), report of wrongdoing (检举控告) or request (申诉求决)."""

    REQUEST = "request"
    SUGGESTION = "suggestion"
    REPORT = "report"


class Urgency(StrEnum):
    """Why a petition cannot wait its turn; danger to life first."""

    LIFE = "life"
    MINORS = "minors"
    CUT_OFF = "cut-off"
    DATE = "date"


# As the staff reads it.
URGENCIES: Final = {
    Urgency.LIFE: "可能危及人身安全",
    Urgency.MINORS: "未成年人可能受到伤害",
    Urgency.CUT_OFF: "水、电、气、暖已中断",
    Urgency.DATE: "临近某个日期",
}


class Outcome(StrEnum):
    """How a matter ended: agreement by mediation (art. 33) or one of the three opinions of art. 32."""

    SETTLED = "settled"
    SUPPORTED = "supported"
    EXPLAINED = "explained"
    NOT_SUPPORTED = "not-supported"


class SessionKind(StrEnum):
    """What a session of a case was."""

    MEDIATION = "mediation"
    SITE_VISIT = "site-visit"
    RECEPTION = "reception"
    JOINT_MEETING = "joint-meeting"


class DecidedBy(StrEnum):
    """Whether the classifier or a person at the triage desk decided."""

    MACHINE = "machine"
    PERSON = "person"


class ReturnReason(StrEnum):
    """Why a body says that a petition is not its business (Regulations art. 23: an objection has reasons)."""

    NOT_OUR_MATTER = "not-our-matter"
    OTHER_AREA = "other-area"
    COURT_MATTER = "court-matter"
    ALREADY_HANDLED = "already-handled"
    SEVERAL_BODIES = "several-bodies"
