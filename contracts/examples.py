"""One example message per fact and reader, from six invented petitions: what a reader's tests can count on.

Each reader has a petition of its own, whose messages hang together: numbers, hash chain, causes and times are
as the services would write them. All persons are invented and all numbers begin with 1380000. The reader
`body` stands for each of the 15 bodies: they read the same facts from their own topics.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from contracts import areas, dossiers, intake, mediation, notify, routing
from contracts.bodies import Body, catalogue
from contracts.domains import Domain
from contracts.envelope import digest, message_id, seal
from contracts.fact import Fact
from contracts.generated import as_text
from contracts.identity import PetitionId, make
from contracts.kinds import Channel, DecidedBy, Kind, Outcome, ReturnReason, SessionKind, Urgency
from contracts.policies import published
from contracts.registry import FACTS, short_name
from contracts.topics import INTAKE, MEDIATION, Topic

_BEGAN: Final = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
_RULES: Final = "lexicon-2026-11-01"
_BODY_READER: Final = "body"


@dataclass(frozen=True, kw_only=True)
class Story:
    """What is particular to one invented petition."""

    reader: str
    chance: int
    channel: Channel
    area: str
    signatories: int = 1
    name: str
    phone: str
    title: str
    content: str
    others: tuple[dossiers.Person, ...] | None = None
    body: Body
    second: Body
    domain: Domain
    terms: tuple[str, ...]
    co_handlers: tuple[str, ...] = ()
    session: SessionKind
    outcome: Outcome
    office: routing.Office = routing.Office.PETITION_OFFICE
    skipped: notify.SkipReason
    step: mediation.Step
    urgency: Urgency | None = None
    urgent_phrase: str | None = None

    @property
    def petition(self) -> PetitionId:
        """The petition's id: made like any other, with a fixed chance."""
        return make(self.began, self.chance)

    @property
    def began(self) -> datetime:
        """When the petition came in: each story on a day of its own."""
        return _BEGAN + timedelta(days=STORIES.index(self), minutes=self.chance % 60)


STORIES: Final = (
    Story(
        reader="intake",
        chance=1_048_577,
        channel=Channel.NETWORK,
        area="430102",
        name="林小禾",
        phone="13800000001",
        title="拖欠三个月工资",
        content="我在一家家具厂做工，从去年十二月起三个月没有发工资，多次找老板都说再等等。请帮助协调。",
        body=Body.LABOR,
        second=Body.SOCIAL_SECURITY,
        domain=Domain.LABOR_SOCIAL_SECURITY,
        terms=("拖欠工资", "发工资"),
        session=SessionKind.MEDIATION,
        outcome=Outcome.SETTLED,
        skipped=notify.SkipReason.NO_CONTACT,
        step=mediation.Step.ACCEPT,
    ),
    Story(
        reader="routing",
        chance=2_222_222,
        channel=Channel.LETTER,
        area="430112",
        signatories=1700,
        name="周望舒",
        phone="13800000002",
        title="自来水经常停水",
        content="一千七百户联名：我们这里自来水经常停水，水压低，又黄又浑。\n请尽快恢复供水，二次供水设施也请改造。",
        others=(
            dossiers.Person(key="r1", role=dossiers.Role.REPRESENTATIVE, name="沈一帆", phone="13800001001"),
            dossiers.Person(key="c1", role=dossiers.Role.CO_SIGNER, name="白露", phone="13800002001"),
        ),
        body=Body.UTILITIES,
        second=Body.PROPERTY,
        domain=Domain.URBAN_RURAL_CONSTRUCTION,
        terms=("二次供水", "水压低", "停水"),
        co_handlers=("water-company", "street-office"),
        session=SessionKind.RECEPTION,
        outcome=Outcome.SUPPORTED,
        skipped=notify.SkipReason.ERASED,
        step=mediation.Step.FINISH,
    ),
    Story(
        reader="mediation",
        chance=3_141_592,
        channel=Channel.RECEPTION,
        area="430111",
        signatories=5,
        name="陈一川",
        phone="13800000003",
        title="五个小区门前没有路名也没有路灯",
        content="附近五个小区约三万人出行只靠一条没有名字的小路，雨天积水，夜里没有路灯，希望修成正式道路。",
        body=Body.CONSTRUCTION,
        second=Body.TRANSPORT,
        domain=Domain.URBAN_RURAL_CONSTRUCTION,
        terms=("修路", "路灯"),
        co_handlers=("planning-bureau", "traffic-police"),
        session=SessionKind.SITE_VISIT,
        outcome=Outcome.SUPPORTED,
        skipped=notify.SkipReason.NO_CONTACT,
        step=mediation.Step.FINISH,
    ),
    Story(
        reader="notify",
        chance=4_444_444,
        channel=Channel.GRID,
        area="43010300200107",
        name="赵青竹",
        phone="138 0000 0004",
        title="老旧小区消防通道被占用",
        content="网格员巡查发现：楼道堆放杂物，消防通道长期停车，居民担心着火时救援车辆进不来。",
        body=Body.PROPERTY,
        second=Body.LITIGATION,
        domain=Domain.HOUSING,
        terms=("消防通道", "楼道堆放"),
        co_handlers=("fire-brigade",),
        session=SessionKind.JOINT_MEETING,
        outcome=Outcome.SUPPORTED,
        skipped=notify.SkipReason.NUMBER_UNUSABLE,
        step=mediation.Step.ACCEPT,
        urgency=Urgency.LIFE,
        urgent_phrase="着火",
    ),
    Story(
        reader="audit",
        chance=5_555_555,
        channel=Channel.OUTREACH,
        area="430182101",
        name="何春生",
        phone="13800000005",
        title="村里水渠淤塞影响灌溉",
        content="入户走访时反映：村里的水渠多年没有清淤，春耕时水到不了田头。",
        body=Body.RURAL,
        second=Body.ENVIRONMENT,
        domain=Domain.AGRICULTURE,
        terms=("水渠", "清淤"),
        session=SessionKind.SITE_VISIT,
        outcome=Outcome.EXPLAINED,
        office=routing.Office.DISCIPLINE_INSPECTION,
        skipped=notify.SkipReason.NUMBER_UNUSABLE,
        step=mediation.Step.ACCEPT,
    ),
    Story(
        reader=_BODY_READER,
        chance=6_666_666,
        channel=Channel.VISIT,
        area="430105",
        name="田有余",
        phone="13800000006",
        title="拆迁补偿面积有出入",
        content="我家老房子拆迁时测量面积与档案图纸不一致，补偿一直没有谈妥，已经八年，请再核实图纸。",
        body=Body.EXPROPRIATION,
        second=Body.REALESTATE,
        domain=Domain.NATURAL_RESOURCES,
        terms=("拆迁补偿", "测量面积"),
        session=SessionKind.MEDIATION,
        outcome=Outcome.NOT_SUPPORTED,
        skipped=notify.SkipReason.NO_CONTACT,
        step=mediation.Step.FINISH,
    ),
)


def readers(kind: type[Fact]) -> tuple[str, ...]:
    """Return who has an example of a fact: the readers of its topic, and the bodies for mediation's facts."""
    return (*kind.TOPIC.readers, *((_BODY_READER,) if kind.TOPIC == MEDIATION else ()))


@cache
def every() -> Mapping[str, bytes]:
    """Return the messages, byte for byte as published, by `<owner>/<Name>.v1/<reader>`."""
    told = {story.reader: dict(_messages(story)) for story in STORIES}
    return MappingProxyType(
        {f"{short_name(kind)}/{reader}": told[reader][kind] for kind in FACTS for reader in readers(kind)}
    )


def files() -> dict[str, str]:
    """Return what `contracts/examples/` holds: the same messages, indented for people."""
    return {f"{path}.json": as_text(json.loads(value)) for path, value in every().items()}


def as_published(text: str) -> bytes:
    """Return the bytes of an example file as they travel: field order as in the file, no spaces."""
    return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")).encode()


def _messages(story: Story) -> Iterator[tuple[type[Fact], bytes]]:
    """Seal a story's facts in order of time: streams numbered and chained, each caused by the one before."""
    marks: dict[Topic, tuple[int, str | None]] = {}
    cause: str | None = None
    for fact in sorted(_facts(story), key=lambda fact: fact.at):
        kind = type(fact)
        ordinal, previous = marks.get(kind.TOPIC, (0, None))
        if isinstance(fact, intake.PetitionRegistered):
            cause = None  # the petitioner is the cause
        value = seal(
            fact,
            petition=story.petition,
            ordinal=ordinal + 1,
            previous=previous,
            cause=cause,
            traceparent=f"00-{_hash(story, 'trace')[:32]}-{_hash(story, kind.TYPE)[:16]}-01",
        )
        marks[kind.TOPIC] = (ordinal + 1, digest(value))
        cause = message_id(kind.TOPIC, story.petition, ordinal + 1)
        yield kind, value


def _facts(story: Story) -> Iterator[Fact]:
    """Tell a whole story, each kind of fact once (so more happens to these petitions than is usual)."""
    began = story.began
    dossier = dossiers.DossierSaved(
        at=began,
        name=story.name,
        phone=story.phone,
        title=story.title,
        content=story.content,
        code_salt=_hash(story, "salt")[:32],
        code_hash=_hash(story, "code"),
        others=story.others,
    )
    yield dossier
    yield intake.PetitionRegistered(
        at=began,
        channel=story.channel,
        area=areas.community(story.area),
        grid=areas.grid(story.area),
        signatories=story.signatories,
        first_receiver=f"petition-office:{story.area[:6]}",
        dossier_sha256=digest(dossier.data()),
        request=_hash(story, "request"),
        payload=_hash(story, "payload"),
        tell_by=began + timedelta(days=15),
    )
    yield intake.PetitionAccepted(at=began + timedelta(seconds=1), due=began + timedelta(days=60))
    yield intake.PetitionSupplemented(
        at=began + timedelta(hours=20),
        number=1,
        dossier_sha256=_hash(story, "supplement"),
        request=_hash(story, "supplement request"),
    )
    yield from _routed(story, began + timedelta(seconds=2))
    yield from _mediated(story, began + timedelta(hours=3))
    yield from _notified(story, began + timedelta(hours=3, seconds=1))
    yield intake.PetitionRated(at=began + timedelta(days=32), score=1 + story.chance % 5)
    yield mediation.CaseRated(at=began + timedelta(days=32, seconds=1), score=1 + story.chance % 5)


def _routed(story: Story, began: datetime) -> Iterator[Fact]:
    reasons = tuple(
        routing.Reason(term=term, weight=round(3.5 - place, 2)) for place, term in enumerate(story.terms)
    )
    yield routing.PetitionSentToTriage(
        at=began,
        why=routing.TriageReason.UNSURE,
        first=story.body,
        second=story.second,
        domain=story.domain,
        area=areas.community(story.area),
        grid=areas.grid(story.area),
        kind=Kind.REQUEST,
        reasons=reasons,
        confidence=0.52,
        rule_version=_RULES,
        catalogue_version=catalogue().version,
        due=began + timedelta(days=1),
        urgency=story.urgency,
        urgent_phrase=story.urgent_phrase,
    )
    yield intake.DossierRead(at=began + timedelta(hours=1), reader="router-07", role="router", why="triage")
    yield routing.PetitionRouted(
        at=began + timedelta(hours=2),
        body=story.body,
        second=story.second,
        domain=story.domain,
        area=areas.community(story.area),
        grid=areas.grid(story.area),
        kind=Kind.REQUEST,
        joint=bool(story.co_handlers),
        co_handlers=story.co_handlers,
        reasons=reasons,
        confidence=0.52,
        decided_by=DecidedBy.PERSON,
        transfer=1,
        rule_version=_RULES,
        catalogue_version=catalogue().version,
        due=began + timedelta(days=60),
        urgency=story.urgency,
        urgent_phrase=story.urgent_phrase,
    )
    yield from _objected_to(story, began + timedelta(hours=5))
    yield from _in_campaign(began + timedelta(days=32))
    yield routing.PetitionReferred(
        at=began + timedelta(days=40),
        office=story.office,
        by="router-07",
        rule_version=_RULES,
        catalogue_version=catalogue().version,
    )


def _objected_to(story: Story, began: datetime) -> Iterator[Fact]:
    """The router refuses one objection and agrees to the next; the joint conference settles it."""
    yield routing.ReturnReceived(
        at=began,
        body=story.body,
        transfer=1,
        reason=ReturnReason.SEVERAL_BODIES,
        suggested=story.second,
        timely=True,
        due=began + timedelta(days=2),
        rule_version=_RULES,
        catalogue_version=catalogue().version,
    )
    yield routing.ReturnRefused(
        at=began + timedelta(hours=1),
        body=story.body,
        transfer=1,
        ground=routing.ReturnGround.WITHIN_DUTIES,
        by="router-07",
        rule_version=_RULES,
        catalogue_version=catalogue().version,
    )
    yield routing.ReturnAgreed(
        at=began + timedelta(hours=2),
        body=story.body,
        transfer=1,
        reason=ReturnReason.SEVERAL_BODIES,
        by="router-07",
        rule_version=_RULES,
        catalogue_version=catalogue().version,
    )
    yield routing.PetitionPutToConference(
        at=began + timedelta(hours=3),
        item=1,
        ground=routing.ConferenceGround.SEVERAL_DEPARTMENTS,
        group="group-urban-construction",
        by="router-07",
        due=began + timedelta(days=10),
        rule_version=_RULES,
        catalogue_version=catalogue().version,
    )
    yield routing.PetitionEscalated(
        at=began + timedelta(hours=4),
        number=1,
        from_tier=routing.Tier.COUNTY,
        to_tier=routing.Tier.CITY,
        by="router-07",
        rule_version=_RULES,
        catalogue_version=catalogue().version,
    )
    yield routing.ConferenceDecided(
        at=began + timedelta(hours=5),
        item=1,
        lead=story.body,
        helpers=story.co_handlers,
        finish_by=began + timedelta(days=30),
        follow_up_at=began + timedelta(days=20),
        by="leader-02",
        rule_version=_RULES,
        catalogue_version=catalogue().version,
    )
    yield routing.ConferenceFollowedUp(
        at=began + timedelta(days=20),
        item=1,
        result=routing.FollowUp.UNDER_WAY,
        next_at=began + timedelta(days=27),
        by="conference-office-1",
        rule_version=_RULES,
        catalogue_version=catalogue().version,
    )


def _in_campaign(began: datetime) -> Iterator[Fact]:
    """Put any story into a campaign whose policy comes too late: its case has an outcome of its own."""
    policy = next(iter(published().values()))
    campaign, order = "training-2026", "training-2026.1"
    yield routing.PetitionJoinedCampaign(
        at=began + timedelta(hours=1),
        campaign=campaign,
        decided_by=DecidedBy.MACHINE,
        rule_version=1,
        routing_rule_version=_RULES,
        catalogue_version=catalogue().version,
    )
    yield routing.CommonPolicyApplied(
        at=began + timedelta(days=2),
        campaign=campaign,
        order=order,
        policy=policy.code,
        version=policy.version,
        sha256=policy.sha256,
        outcome=policy.outcome,
        by="leader-01",
        rule_version=_RULES,
        catalogue_version=catalogue().version,
    )
    yield mediation.CommonPolicyDeclined(
        at=began + timedelta(days=2, seconds=1),
        campaign=campaign,
        order=order,
        policy=policy.code,
        version=policy.version,
        why=mediation.NotApplied.CONCLUDED,
    )
    yield routing.PetitionLeftCampaign(
        at=began + timedelta(days=3),
        campaign=campaign,
        by="router-07",
        rule_version=_RULES,
        catalogue_version=catalogue().version,
    )


def _mediated(story: Story, began: datetime) -> Iterator[Fact]:
    handler = f"{story.body}-handler-1"
    yield mediation.CaseOpened(
        at=began,
        body=story.body,
        transfer=1,
        accept_by=began + timedelta(days=15),
        due=began + timedelta(days=60),
        return_by=began + timedelta(days=7),
        calendar="chinesecalendar-1.11.0",
    )
    yield mediation.CaseReturned(
        at=began + timedelta(hours=1),
        body=story.body,
        transfer=1,
        reason=ReturnReason.SEVERAL_BODIES,
        suggested=story.second,
        return_by=began + timedelta(days=7),
        by=handler,
    )
    yield mediation.CaseKept(at=began + timedelta(hours=4), body=story.body, transfer=1)
    yield mediation.CaseHandedBack(at=began + timedelta(hours=6), body=story.body, transfer=1)
    yield mediation.CaseAccepted(at=began + timedelta(days=1), handler=handler)
    yield mediation.SessionHeld(
        at=began + timedelta(days=7),
        number=1,
        kind=story.session,
        participants=2 + len(story.co_handlers),
        units=story.co_handlers,
    )
    yield mediation.CaseOverdue(
        at=began + timedelta(days=16), step=story.step, since=began + timedelta(days=15)
    )
    yield mediation.CaseConcluded(
        at=began + timedelta(days=30),
        outcome=story.outcome,
        agreement=story.outcome is Outcome.SETTLED,
        by=handler,
    )
    yield mediation.CaseAnswered(
        at=began + timedelta(days=31),
        outcome=story.outcome,
        by=handler,
        review_by=began + timedelta(days=61),
    )


def _notified(story: Story, began: datetime) -> Iterator[Fact]:
    opened = message_id(MEDIATION, story.petition, 1)
    message = "case-opened.1"
    yield notify.SmsQueued(
        at=began,
        message=message,
        template="case-opened",
        template_version="2026-11-01",
        cause=opened,
        gateway="outbox",
        lease_until=began + timedelta(seconds=30),
    )
    yield notify.SmsNotSent(
        at=began + timedelta(seconds=2),
        message=message,
        attempt=1,
        reason="gateway-busy",
        retry_at=began + timedelta(seconds=32),
    )
    yield notify.SmsClaimed(
        at=began + timedelta(seconds=32),
        message=message,
        attempt=2,
        gateway="outbox",
        lease_until=began + timedelta(minutes=1),
    )
    yield notify.SmsSent(
        at=began + timedelta(seconds=33),
        message=message,
        attempt=2,
        gateway="outbox",
        reference=f"{story.petition}.{message}.2",
        segments=2,
    )
    yield notify.SmsUnknown(at=began + timedelta(days=31), message="case-answered.1", attempt=1)
    yield notify.SmsSkipped(
        at=began + timedelta(days=31, seconds=1),
        template="accepted",
        cause=message_id(INTAKE, story.petition, 2),
        reason=story.skipped,
    )
    yield from _came_back(message, "case-answered.1", began + timedelta(days=31), story)


def _came_back(message: str, question: str, began: datetime, story: Story) -> Iterator[Fact]:
    yield notify.SmsPostponed(at=began, message="session-held.4", not_before=began + timedelta(hours=1))
    yield notify.SmsJoined(at=began + timedelta(hours=1), message="session-held.4", into="session-held.3")
    yield notify.SmsDelivered(at=began + timedelta(hours=1, seconds=4), message=message, attempt=2)
    yield notify.SmsUndelivered(
        at=began + timedelta(hours=1, seconds=5), message="session-held.3", attempt=1, code="UNDELIV"
    )
    yield notify.CallTaskRaised(
        at=began + timedelta(hours=1, seconds=5), message="session-held.3", reason="UNDELIV"
    )
    yield notify.CallTaskDone(
        at=began + timedelta(hours=3), outcome=notify.CallOutcome.REACHED, by="clerk-0031"
    )
    yield notify.SmsDecided(
        at=began + timedelta(hours=4), message=question, attempt=1, sent=True, by="operator-0007"
    )
    yield notify.ReplyReceived(
        at=began + timedelta(hours=5),
        reply=_hash(story, "reply")[:32],
        kind=notify.ReplyKind.RATING,
        message=question,
        score=5,
    )


def _hash(story: Story, what: str) -> str:
    """Stand in for what is random or secret in the real system, the same at every run."""
    return sha256(f"example {story.reader} {what}".encode()).hexdigest()
