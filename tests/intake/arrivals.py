"""What reaches intake: one example of every fact that it folds, in the order of a journey."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

from contracts.bodies import Body
from contracts.dossiers import DossierSaved
from contracts.fact import Fact
from contracts.identity import PetitionId, make
from contracts.intake import (
    DossierRead,
    PetitionAccepted,
    PetitionRated,
    PetitionRegistered,
    PetitionSupplemented,
)
from contracts.kinds import Channel, DecidedBy, Kind, Outcome, ReturnReason, SessionKind
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
from contracts.notify import SkipReason, SmsClaimed, SmsNotSent, SmsQueued, SmsSent, SmsSkipped, SmsUnknown
from contracts.policies import published
from contracts.routing import (
    CommonPolicyApplied,
    ConferenceDecided,
    ConferenceFollowedUp,
    ConferenceGround,
    FollowUp,
    Office,
    PetitionEscalated,
    PetitionJoinedCampaign,
    PetitionLeftCampaign,
    PetitionPutToConference,
    PetitionReferred,
    PetitionRouted,
    PetitionSentToTriage,
    Reason,
    ReturnAgreed,
    ReturnGround,
    ReturnReceived,
    ReturnRefused,
    Tier,
    TriageReason,
)
from services.intake.domain import Case, Docket, Dossier, Intake, Messages, Routing

START: Final = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DUE: Final = START + timedelta(days=60)
_numbers = count(1)


def petition() -> PetitionId:
    """An id that no other test has."""
    return make(START, next(_numbers))


def after(minutes: int) -> datetime:
    """A time so many minutes after the submission."""
    return START + timedelta(minutes=minutes)


def saved(name: str = "王秀英", content: str = "水又黄又浑。") -> DossierSaved:
    """The personal part."""
    return DossierSaved(
        at=START,
        name=name,
        phone="13800138000",
        title="小区自来水浑浊",
        content=content,
        code_salt="5a17",
        code_hash="0" * 64,
    )


def routed(body: Body = Body.LABOR, *terms: str, transfer: int = 1) -> PetitionRouted:
    """The petition goes to a body, for these phrases of the lexicon."""
    return PetitionRouted(
        at=after(2),
        body=body,
        kind=Kind.REQUEST,
        reasons=tuple(Reason(term=term, weight=1.0) for term in terms),
        decided_by=DecidedBy.MACHINE,
        transfer=transfer,
        rule_version="1",
        catalogue_version="1",
        due=START + timedelta(days=15),
    )


POLICY: Final = published()[("training-refund", 1)]
REGISTERED: Final = PetitionRegistered(
    at=START,
    channel=Channel.NETWORK,
    area="430102",
    first_receiver="petition-office",
    dossier_sha256="1" * 64,
    request="2" * 64,
    payload="3" * 64,
    tell_by=START + timedelta(days=15),
)
ACCEPTED: Final = PetitionAccepted(at=START, due=DUE)
READ: Final = DossierRead(at=after(1), reader="mediator-7", role="mediator", body="labor", why="handling")
SUPPLEMENTED: Final = PetitionSupplemented(at=after(2), number=1, dossier_sha256="4" * 64, request="5" * 64)
RATED: Final = PetitionRated(at=after(60), score=4)
TRIAGE: Final = PetitionSentToTriage(
    at=after(1),
    why=TriageReason.UNSURE,
    kind=Kind.REQUEST,
    confidence=0.3,
    rule_version="1",
    due=after(600),
)
ROUTED: Final = routed(Body.LABOR, "拖欠工资", "农民工")
REFERRED: Final = PetitionReferred(at=after(2), office=Office.DISCIPLINE_INSPECTION, by="router-1")
RECEIVED: Final = ReturnReceived(
    at=after(3), body=Body.LABOR, transfer=1, reason=ReturnReason.OTHER_AREA, due=after(600)
)
AGREED: Final = ReturnAgreed(
    at=after(4), body=Body.LABOR, transfer=1, reason=ReturnReason.NOT_OUR_MATTER, by="router-1"
)
REFUSED: Final = ReturnRefused(
    at=after(4), body=Body.LABOR, transfer=1, ground=ReturnGround.WITHIN_DUTIES, by="router-1"
)
TO_CONFERENCE: Final = PetitionPutToConference(
    at=after(5), item=1, ground=ConferenceGround.TRANSFERS_EXHAUSTED, due=after(600)
)
DECIDED: Final = ConferenceDecided(
    at=after(6),
    item=1,
    lead=Body.TRANSPORT,
    helpers=("urban-management", "traffic-police", "street-430121001"),
    finish_by=after(900),
    follow_up_at=after(800),
    by="leader-1",
)
FOLLOWED_UP: Final = ConferenceFollowedUp(at=after(800), item=1, result=FollowUp.DONE, by="office-1")
ESCALATED: Final = PetitionEscalated(
    at=after(7), number=1, from_tier=Tier.COUNTY, to_tier=Tier.CITY, by="router-1"
)
OBJECTED: Final = CaseReturned(
    at=after(3), body=Body.LABOR, transfer=1, reason=ReturnReason.SEVERAL_BODIES, by="mediator-7"
)
KEPT: Final = CaseKept(at=after(5), body=Body.LABOR, transfer=1)
HANDED_BACK: Final = CaseHandedBack(at=after(5), body=Body.LABOR, transfer=1)
OPENED: Final = CaseOpened(
    at=after(3), body=Body.LABOR, transfer=1, accept_by=START + timedelta(days=15), due=DUE
)
TAKEN: Final = CaseAccepted(at=after(4), handler="mediator-7")
SESSION: Final = SessionHeld(at=after(5), number=1, kind=SessionKind.MEDIATION, participants=3)
OVERDUE: Final = CaseOverdue(at=after(6), step=Step.FINISH, since=DUE)
CONCLUDED: Final = CaseConcluded(at=after(7), outcome=Outcome.SETTLED, agreement=True, by="mediator-7")
ANSWERED: Final = CaseAnswered(
    at=after(8), outcome=Outcome.SETTLED, by="mediator-7", review_by=START + timedelta(days=38)
)
CASE_RATED: Final = CaseRated(at=after(61), score=4)
JOINED: Final = PetitionJoinedCampaign(
    at=after(4), campaign="wages-2026", decided_by=DecidedBy.PERSON, by="router-1"
)
LEFT: Final = PetitionLeftCampaign(at=after(5), campaign="wages-2026", by="router-1")
APPLIED: Final = CommonPolicyApplied(
    at=after(6),
    campaign="wages-2026",
    order="wages-2026.1",
    policy="training-refund",
    version=1,
    sha256=POLICY.sha256,
    outcome=POLICY.outcome,
    by="leader-1",
)
BY_POLICY: Final = ByPolicy(
    campaign="wages-2026", order="wages-2026.1", policy=POLICY.code, version=1, sha256=POLICY.sha256
)
DECLINED: Final = CommonPolicyDeclined(
    at=after(9),
    campaign="wages-2026",
    order="wages-2026.1",
    policy="training-refund",
    version=1,
    why=NotApplied.CONCLUDED,
)
QUEUED: Final = SmsQueued(
    at=after(1), message="registered.1", template="registered", template_version="1", cause="some-fact"
)
CLAIMED: Final = SmsClaimed(
    at=after(2), message="registered.1", attempt=1, gateway="file", lease_until=after(3)
)
SENT: Final = SmsSent(
    at=after(3), message="registered.1", attempt=1, gateway="file", reference="r1", segments=2
)
NOT_SENT: Final = SmsNotSent(
    at=after(3), message="registered.1", attempt=1, reason="throttled", retry_at=after(9)
)
UNKNOWN: Final = SmsUnknown(at=after(3), message="registered.1", attempt=1)
SKIPPED: Final = SmsSkipped(
    at=after(1), template="accepted", cause="some-fact", reason=SkipReason.NUMBER_UNUSABLE
)

OWN: Final[tuple[Fact, ...]] = (REGISTERED, ACCEPTED, RATED)
ROUTING: Final[tuple[Fact, ...]] = (TRIAGE, ROUTED)
RETURNS: Final[tuple[Fact, ...]] = (
    *(RECEIVED, AGREED, REFUSED, TO_CONFERENCE, DECIDED, FOLLOWED_UP, ESCALATED),
    *(OBJECTED, KEPT, HANDED_BACK),
)
CAMPAIGN: Final[tuple[Fact, ...]] = (JOINED, LEFT, APPLIED, DECLINED)
MEDIATION: Final[tuple[Fact, ...]] = (OPENED, TAKEN, SESSION, OVERDUE, CONCLUDED, ANSWERED, CASE_RATED)
NOTIFY: Final[tuple[Fact, ...]] = (QUEUED, CLAIMED, NOT_SENT, SENT, SKIPPED)


def docket(**parts: Intake | Dossier | Routing | Case | Messages) -> Docket:
    """A docket with these parts; the others are empty."""
    empty = {
        "own": Intake(),
        "dossier": Dossier(),
        "routing": Routing(),
        "mediation": Case(),
        "notify": Messages(),
    }
    return Docket(petition(), **{**empty, **parts})  # type: ignore[arg-type] # the names go with the types
