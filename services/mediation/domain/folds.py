"""How each fact changes what mediation knows: one fold a stream."""

from dataclasses import replace

from contracts.fact import Fact
from contracts.intake import PetitionAccepted, PetitionRated
from contracts.mediation import (
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
from services.mediation.domain.case import Case, Intake, Policy, Routing, State


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
