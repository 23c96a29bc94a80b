"""What mediation knows of one petition: its own case, and what intake and routing have told of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from contracts.bodies import Body
from contracts.domains import Domain
from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.kinds import Kind, Outcome, ReturnReason, SessionKind, Urgency
from contracts.mediation import Step
from contracts.topics import BODY_TOPICS, Topic
from runtime.service import Refused


class State(StrEnum):
    """How far a case has come; a petition without a case has none."""

    OPENED = "opened"
    RETURNED = "returned"
    HANDED_BACK = "handed-back"
    ACCEPTED = "accepted"
    CONCLUDED = "concluded"
    ANSWERED = "answered"
    RATED = "rated"


class Refusal(StrEnum):
    """The codes of why a step is not taken; the edge has the words."""

    NO_CASE = "no-case"
    OTHER_BODY = "other-body"
    ALREADY_ACCEPTED = "case-already-accepted"
    NOT_ACCEPTED = "case-not-accepted"
    ALREADY_CONCLUDED = "case-already-concluded"
    NOT_CONCLUDED = "case-not-concluded"
    ALREADY_ANSWERED = "case-already-answered"
    OTHER_SESSION = "session-number-taken"
    NO_SETTLEMENT = "agreement-without-settlement"
    ALREADY_RETURNED = "case-already-returned"
    HANDED_BACK = "case-handed-back"
    RETURN_TOO_LATE = "return-too-late"
    BOUND = "bound-by-conference"
    OWN_BODY = "suggested-own-body"


@dataclass(frozen=True)
class Intake:
    """What petition-intake-v1 has told: until when the matter must be finished, and the latest rating."""

    due: datetime | None = None
    score: int | None = None


@dataclass(frozen=True)
class Policy:
    """The common policy that a campaign has applied to the petition, and the leader who ordered it."""

    campaign: str
    order: str
    policy: str
    version: int
    sha256: str
    outcome: Outcome
    by: str


@dataclass(frozen=True)
class Routing:
    """What petition-routing-v1 has told: with whom the petition is; `transfer` counts its bodies from 1.

    `body` is None while no body has it. `bound` tells that the joint conference gave it to this one.
    """

    body: Body | None = None
    transfer: int = 0
    routed_at: datetime | None = None
    kind: Kind | None = None
    domain: Domain | None = None
    area: str | None = None
    joint: bool = False
    co_handlers: tuple[str, ...] = ()
    bound: bool = False
    refused: int = 0
    policy: Policy | None = None
    urgency: Urgency | None = None
    urgent_phrase: str | None = None


@dataclass(frozen=True)
class Case:
    """The fold of petition-mediation-v1; empty (`state` None) until the case is opened."""

    state: State | None = None
    body: Body | None = None
    transfer: int = 0
    accept_by: datetime | None = None
    due: datetime | None = None
    return_by: datetime | None = None
    calendar_lacks: int | None = None
    return_reason: ReturnReason | None = None
    handler: str = ""
    accepted_at: datetime | None = None
    sessions: int = 0
    outcome: Outcome | None = None
    agreement: bool = False
    concluded_at: datetime | None = None
    answered_at: datetime | None = None
    review_by: datetime | None = None
    score: int | None = None
    overdue: tuple[Step, ...] = ()
    by_policy: str = ""
    declined: str = ""


@dataclass(frozen=True)
class Docket:
    """All that mediation knows of one petition."""

    petition: PetitionId
    own: Case = field(default_factory=Case)
    intake: Intake = field(default_factory=Intake)
    routing: Routing = field(default_factory=Routing)


@dataclass(frozen=True)
class Asker:
    """Who takes a step: the code that stands in the fact, and the bodies for which he may act."""

    who: str
    bodies: frozenset[Body]


@dataclass(frozen=True)
class Session:
    """A session as it was reported; `number`, where given, says which one it must be."""

    kind: SessionKind
    participants: int
    units: tuple[str, ...] = ()
    number: int | None = None


Decision = Sequence[Fact] | Refused


def not_theirs(docket: Docket, asker: Asker) -> Refused | None:
    """Say why somebody may take no step in this case; None if he may."""
    if docket.own.body is None:
        return Refused(Refusal.NO_CASE)
    return None if docket.own.body in asker.bodies else Refused(Refusal.OTHER_BODY)


def not_in_hand(case: Case) -> Refused | None:
    """Say why a case is not being handled; None if it is."""
    match case.state:
        case State.ACCEPTED:
            return None
        case State.OPENED:
            return Refused(Refusal.NOT_ACCEPTED)
        case State.RETURNED | State.HANDED_BACK:
            return Refused(why_not_open(case))
        case _:
            return Refused(Refusal.ALREADY_CONCLUDED)


def without_outcome(case: Case) -> bool:
    """Whether the matter has no outcome yet, so that it may go to another body."""
    return case.state in {None, State.OPENED, State.RETURNED, State.HANDED_BACK, State.ACCEPTED}


def why_not_open(case: Case) -> Refusal:
    """Return the code of why a case does not wait for its acceptance."""
    known = {State.RETURNED: Refusal.ALREADY_RETURNED, State.HANDED_BACK: Refusal.HANDED_BACK}
    return known.get(case.state, Refusal.ALREADY_ACCEPTED) if case.state else Refusal.NO_CASE


def mirrors(docket: Docket, _fact: Fact) -> Sequence[Topic]:
    """Name the topic of the body that has the petition; it gets the very bytes of every fact of the case."""
    return () if docket.own.body is None else (BODY_TOPICS[docket.own.body],)
