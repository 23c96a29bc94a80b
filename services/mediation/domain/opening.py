"""立案: what opens a case, or opens it anew for another body, or settles it where a policy has come."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import reduce

from contracts.fact import Fact
from contracts.mediation import (
    ByPolicy,
    CaseAnswered,
    CaseConcluded,
    CaseOpened,
    CommonPolicyDeclined,
    NotApplied,
)
from contracts.workdays import UnknownYear
from services.mediation.deadlines import Terms
from services.mediation.domain.case import Docket, State, without_outcome
from services.mediation.domain.folds import evolve_own
from services.mediation.domain.overdue import decide_overdue


def decide_opening(docket: Docket, terms: Terms, now: datetime) -> Sequence[Fact]:
    """Open the case once both are known, the body and the acceptance, whichever came first.

    A later transfer opens it anew for the new body while there is no outcome: that body has its own 15 days
    from its transfer (art. 23), and the end of the 60 days stays where it was (art. 34).
    """
    case, routing, due = docket.own, docket.routing, docket.own.due or docket.intake.due
    if routing.body is None or routing.routed_at is None or due is None:
        return ()
    if routing.transfer <= case.transfer or not without_outcome(case):
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
