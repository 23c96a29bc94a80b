"""The case as the law sees it: what opens it, who may take which step when, what is late; all of it pure.

Facts of intake and routing come in through `evolve_intake` and `evolve_routing`; what `decide_…` answers is
stated, folded by `evolve_own`, and goes out on `petition-mediation-v1` and to the body's own topic.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import reduce

from contracts.bodies import Body
from contracts.domains import Domain
from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.intake import PetitionAccepted, PetitionRated
from contracts.kinds import Kind, Outcome, ReturnReason, SessionKind, Urgency
from contracts.mediation import (
    ByPolicy,
    CaseAccepted,
    CaseAnswered,
    CaseConcluded,
    CaseHandedBack,
    CaseKept,
    CaseOpened,
    CaseOverdue,
    CaseRated,
    CaseReturned,
    CommonPolicyDeclined,
    NotApplied,
    SessionHeld,
    Step,
)
from contracts.routing import (
    CommonPolicyApplied,
    PetitionPutToConference,
    PetitionReferred,
    PetitionRouted,
    PetitionSentToTriage,
    ReturnRefused,
)
from contracts.topics import BODY_TOPICS, Topic
from contracts.workdays import UnknownYear
from runtime.service import Refused
from services.mediation.deadlines import Terms


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


def decide_opening(docket: Docket, terms: Terms, now: datetime) -> Sequence[Fact]:
    """Open the case once both are known, the body and the acceptance, whichever came first.

    A later transfer opens it anew for the new body while there is no outcome: that body has its own 15 days
    from its transfer (art. 23), and the end of the 60 days stays where it was (art. 34).
    """
    case, routing, due = docket.own, docket.routing, docket.own.due or docket.intake.due
    if routing.body is None or routing.routed_at is None or due is None:
        return ()
    if routing.transfer <= case.transfer or not _without_outcome(case):
        return ()
    until = terms.workdays.end_of(terms.return_workdays, routing.routed_at)
    opened = CaseOpened(
        at=now,
        body=routing.body,
        transfer=routing.transfer,
        accept_by=routing.routed_at + terms.accept,
        due=due,
        return_by=None if isinstance(until, UnknownYear) else until,
        calendar=terms.workdays.name,
        calendar_lacks=until.year if isinstance(until, UnknownYear) else None,
    )
    return (*decide_overdue(docket, now), opened)


def decide_policy(docket: Docket, terms: Terms, now: datetime) -> Sequence[Fact]:
    """Settle the case by the common policy of its campaign: its own conclusion, its own written answer.

    Each petitioner keeps his own 30 days for a review (art. 35). A case that has an outcome keeps that one,
    and one that its body objects to or has lost waits for routing: both say so once. Before the case is open
    nothing is stated: its opening asks again.
    """
    case, policy = docket.own, docket.routing.policy
    if policy is None or case.state is None or policy.order in {case.by_policy, case.declined}:
        return ()
    if case.state not in {State.OPENED, State.ACCEPTED}:
        return (
            CommonPolicyDeclined(
                at=now,
                campaign=policy.campaign,
                order=policy.order,
                policy=policy.policy,
                version=policy.version,
                why=NotApplied.NOT_IN_HAND if case.outcome is None else NotApplied.CONCLUDED,
            ),
        )
    by = ByPolicy(
        campaign=policy.campaign,
        order=policy.order,
        policy=policy.policy,
        version=policy.version,
        sha256=policy.sha256,
    )
    until = now + terms.review
    return (
        *decide_overdue(docket, now),
        CaseConcluded(at=now, outcome=policy.outcome, by=policy.by, by_policy=by),
        CaseAnswered(at=now, outcome=policy.outcome, by=policy.by, review_by=until, by_policy=by),
    )


def decide_opened_by_policy(docket: Docket, terms: Terms, now: datetime) -> Sequence[Fact]:
    """Open the case and, if a common policy has come before that, settle it at once."""
    facts = decide_opening(docket, terms, now)
    if not facts or docket.routing.policy is None:
        return facts
    opened = replace(docket, own=reduce(evolve_own, facts, docket.own))
    return (*facts, *decide_policy(opened, terms, now))


def decide_return(
    docket: Docket, asker: Asker, reason: ReturnReason, suggested: Body | None, now: datetime
) -> Decision:
    """退回: let the body object before it takes the case up, within its 5 working days (art. 23).

    What the joint conference has decided binds. Where the calendar does not know the year, the objection is
    taken and says so: the router sees that nobody has checked its time.
    """
    if refusal := _not_theirs(docket, asker):
        return refusal
    case = docket.own
    if case.state is not State.OPENED or case.body is None:
        return Refused(_why_not_open(case))
    if docket.routing.bound:
        return Refused(Refusal.BOUND)
    if suggested == case.body:
        return Refused(Refusal.OWN_BODY)
    if case.return_by is not None and now >= case.return_by:
        return Refused(Refusal.RETURN_TOO_LATE)
    returned = CaseReturned(
        at=now,
        body=case.body,
        transfer=case.transfer,
        reason=reason,
        suggested=suggested,
        return_by=case.return_by,
        calendar_lacks=case.calendar_lacks,
        by=asker.who,
    )
    return (*decide_overdue(docket, now), returned)


def decide_keeping(docket: Docket, now: datetime) -> Sequence[Fact]:
    """Give the case back into the body's hands once its objection was refused."""
    case = docket.own
    if case.state is not State.RETURNED or case.body is None or docket.routing.refused != case.transfer:
        return ()
    return (CaseKept(at=now, body=case.body, transfer=case.transfer),)


def decide_handing_back(docket: Docket, now: datetime) -> Sequence[Fact]:
    """Take the case from its body where routing has the petition again, unless it has its outcome."""
    case = docket.own
    if case.body is None or case.state is State.HANDED_BACK or not _without_outcome(case):
        return ()
    handed_back = CaseHandedBack(at=now, body=case.body, transfer=case.transfer)
    return (*decide_overdue(docket, now), handed_back)


def decide_rating(docket: Docket, now: datetime) -> Sequence[Fact]:
    """Count the petitioner's rating once, if there was an answer that it can be about."""
    if docket.own.state is not State.ANSWERED or docket.intake.score is None:
        return ()
    return (CaseRated(at=now, score=docket.intake.score),)


def decide_acceptance(docket: Docket, asker: Asker, handler: str, now: datetime) -> Decision:
    """Let a named handler take the case up; without a name it is the asker himself."""
    if refusal := _not_theirs(docket, asker):
        return refusal
    if docket.own.state is not State.OPENED:
        return Refused(_why_not_open(docket.own))
    return (*decide_overdue(docket, now), CaseAccepted(at=now, handler=handler or asker.who))


def decide_session(docket: Docket, asker: Asker, session: Session, now: datetime) -> Decision:
    """Enter a session; its number goes on counting when the case goes to another body."""
    if refusal := _not_theirs(docket, asker) or _not_in_hand(docket.own):
        return refusal
    number = docket.own.sessions + 1
    if session.number not in {None, number}:
        return Refused(Refusal.OTHER_SESSION)
    held = SessionHeld(
        at=now, number=number, kind=session.kind, participants=session.participants, units=session.units
    )
    return (*decide_overdue(docket, now), held)


def decide_conclusion(
    docket: Docket, asker: Asker, outcome: Outcome, *, agreement: bool, now: datetime
) -> Decision:
    """Give the matter its outcome; an agreement signed by both sides is a settlement (art. 33)."""
    if refusal := _not_theirs(docket, asker) or _not_in_hand(docket.own):
        return refusal
    if agreement and outcome is not Outcome.SETTLED:
        return Refused(Refusal.NO_SETTLEMENT)
    concluded = CaseConcluded(at=now, outcome=outcome, agreement=agreement, by=asker.who)
    return (*decide_overdue(docket, now), concluded)


def decide_answer(docket: Docket, asker: Asker, terms: Terms, now: datetime) -> Decision:
    """Tell the petitioner the outcome; from now on he has 30 days to ask for a review (art. 35)."""
    if refusal := _not_theirs(docket, asker):
        return refusal
    case = docket.own
    if case.answered_at is not None:
        return Refused(Refusal.ALREADY_ANSWERED)
    if case.outcome is None:
        return Refused(Refusal.NOT_CONCLUDED)
    answered = CaseAnswered(at=now, outcome=case.outcome, by=asker.who, review_by=now + terms.review)
    return (*decide_overdue(docket, now), answered)


def decide_overdue(docket: Docket, now: datetime) -> Sequence[Fact]:
    """Say of every step whose time has passed that it is overdue, once each.

    Every step that is taken asks this first, so a late one is never entered as if it had been in time.
    """
    return tuple(
        CaseOverdue(at=now, step=step, since=until) for step, until in _running(docket.own) if until <= now
    )


def next_deadline(docket: Docket) -> datetime | None:
    """Return when the next step becomes overdue; None while nothing is awaited."""
    return min((until for _, until in _running(docket.own)), default=None)


def _running(case: Case) -> Sequence[tuple[Step, datetime]]:
    """Return the deadlines that bind the case now and have not been stated as missed.

    Handling is finished (办结) by the answer, not by the conclusion: an outcome that the petitioner was not
    told would otherwise lie without a due time.
    """
    if case.state is State.HANDED_BACK:
        return ()  # its body owes nothing more; routing's facts say who does, and until when
    awaited = {Step.ACCEPT: case.accept_by if case.state is State.OPENED else None}
    awaited[Step.FINISH] = case.due if case.answered_at is None else None
    return [(step, until) for step, until in awaited.items() if until and step not in case.overdue]


def _not_theirs(docket: Docket, asker: Asker) -> Refused | None:
    if docket.own.body is None:
        return Refused(Refusal.NO_CASE)
    return None if docket.own.body in asker.bodies else Refused(Refusal.OTHER_BODY)


def _not_in_hand(case: Case) -> Refused | None:
    match case.state:
        case State.ACCEPTED:
            return None
        case State.OPENED:
            return Refused(Refusal.NOT_ACCEPTED)
        case State.RETURNED | State.HANDED_BACK:
            return Refused(_why_not_open(case))
        case _:
            return Refused(Refusal.ALREADY_CONCLUDED)


def _without_outcome(case: Case) -> bool:
    return case.state in {None, State.OPENED, State.RETURNED, State.HANDED_BACK, State.ACCEPTED}


def _why_not_open(case: Case) -> Refusal:
    known = {State.RETURNED: Refusal.ALREADY_RETURNED, State.HANDED_BACK: Refusal.HANDED_BACK}
    return known.get(case.state, Refusal.ALREADY_ACCEPTED) if case.state else Refusal.NO_CASE


def mirrors(docket: Docket, _fact: Fact) -> Sequence[Topic]:
    """Name the topic of the body that has the petition; it gets the very bytes of every fact of the case."""
    return () if docket.own.body is None else (BODY_TOPICS[docket.own.body],)


def evolve_intake(part: Intake, fact: Fact) -> Intake:
    """Fold one fact of intake."""
    match fact:
        case PetitionAccepted(due=due):
            return replace(part, due=due)
        case PetitionRated(score=score):
            return replace(part, score=score)
        case _:
            return part


def evolve_routing(part: Routing, fact: Fact) -> Routing:
    """Fold one fact of routing."""
    match fact:
        case PetitionRouted():
            return Routing(
                body=fact.body,
                transfer=fact.transfer,
                routed_at=fact.at,
                kind=fact.kind,
                domain=fact.domain,
                area=fact.grid or fact.area,
                joint=fact.joint,
                co_handlers=fact.co_handlers,
                bound=fact.conference is not None,
                policy=part.policy,
                urgency=fact.urgency,
                urgent_phrase=fact.urgent_phrase,
            )
        case PetitionSentToTriage() | PetitionPutToConference() | PetitionReferred():
            return replace(part, body=None)
        case ReturnRefused():
            return replace(part, refused=fact.transfer)
        case CommonPolicyApplied():
            of = (fact.campaign, fact.order, fact.policy, fact.version, fact.sha256)
            return replace(part, policy=Policy(*of, fact.outcome, fact.by))
        case _:
            return part


def evolve_own(part: Case, fact: Fact) -> Case:
    """Fold one fact of the case itself."""
    match fact:
        case CaseOpened():
            return _opened(part, fact)
        case CaseReturned() | CaseKept() | CaseHandedBack():
            return _objected(part, fact)
        case CaseAccepted():
            return replace(part, state=State.ACCEPTED, handler=fact.handler, accepted_at=fact.at)
        case SessionHeld():
            return replace(part, sessions=fact.number)
        case CaseConcluded() | CaseAnswered():
            return _ended(part, fact)
        case CaseRated():
            return replace(part, state=State.RATED, score=fact.score)
        case _:
            return _noted(part, fact)


def _noted(part: Case, fact: Fact) -> Case:
    """Fold what moves no state."""
    match fact:
        case CaseOverdue():
            return replace(part, overdue=(*part.overdue, fact.step))
        case CommonPolicyDeclined():
            return replace(part, declined=fact.order)
        case _:
            return part


def _ended(part: Case, fact: CaseConcluded | CaseAnswered) -> Case:
    if isinstance(fact, CaseAnswered):
        return replace(part, state=State.ANSWERED, answered_at=fact.at, review_by=fact.review_by)
    concluded = replace(part, state=State.CONCLUDED, concluded_at=fact.at)
    by_policy = fact.by_policy.order if fact.by_policy else ""
    return replace(concluded, outcome=fact.outcome, agreement=fact.agreement, by_policy=by_policy)


def _objected(part: Case, fact: CaseReturned | CaseKept | CaseHandedBack) -> Case:
    match fact:
        case CaseReturned():
            return replace(part, state=State.RETURNED, return_reason=fact.reason)
        case CaseKept():
            return replace(part, state=State.OPENED)
        case CaseHandedBack():
            return replace(part, state=State.HANDED_BACK)


def _opened(part: Case, fact: CaseOpened) -> Case:
    """Begin with a new body: its acceptance is open again, the end of handling and what was missed is not."""
    return Case(
        state=State.OPENED,
        body=fact.body,
        transfer=fact.transfer,
        accept_by=fact.accept_by,
        due=fact.due,
        return_by=fact.return_by,
        calendar_lacks=fact.calendar_lacks,
        sessions=part.sessions,
        overdue=tuple(step for step in part.overdue if step is not Step.ACCEPT),
    )
