"""Every handler on the real parts: delivered once, delivered twice, failed and delivered again.

A service runs once for all that it hears. Each fact under test goes to four petitions that have come equally
far: one is left in peace, each of the others meets a trouble; in the end all must be where the first one is.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache, partial, reduce
from importlib import import_module
from itertools import takewhile
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from contracts.dossiers import DossierSaved
from contracts.envelope import Message, digest, read, seal
from contracts.examples import STORIES, every
from contracts.fact import Fact
from contracts.identity import PetitionId, make
from contracts.intake import (
    DossierRead,
    PetitionAccepted,
    PetitionRated,
    PetitionRegistered,
    PetitionSupplemented,
)
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
)
from contracts.notify import (
    CallTaskDone,
    CallTaskRaised,
    ReplyReceived,
    SmsClaimed,
    SmsDecided,
    SmsDelivered,
    SmsJoined,
    SmsNotSent,
    SmsPostponed,
    SmsQueued,
    SmsSent,
    SmsSkipped,
    SmsUndelivered,
    SmsUnknown,
)
from contracts.registry import FACTS
from contracts.routing import (
    CommonPolicyApplied,
    ConferenceDecided,
    ConferenceFollowedUp,
    PetitionEscalated,
    PetitionJoinedCampaign,
    PetitionLeftCampaign,
    PetitionPutToConference,
    PetitionReferred,
    PetitionRouted,
    PetitionSentToTriage,
    ReturnAgreed,
    ReturnReceived,
    ReturnRefused,
)
from contracts.topics import BODY_TOPICS, DOSSIERS, NOTIFY
from runtime.consume import Redrive, Stated
from runtime.draft import Draft, Outcome
from runtime.process import Process
from runtime.record import Record
from runtime.store import DatabaseError
from services.notify.messages import State
from tests.broker.test_intake_line import PETITION, chain_is_whole
from tests.broker.test_killed import outbox
from tests.eventually import eventually
from tests.line import Line

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

Kind = type[Fact]
DEADLINE = 60.0
TOLD: tuple[Kind, ...] = (SmsQueued, SmsSent)
# What a service hears, and what it states when it hears it. Intake folds all that the others state.
HEARS: dict[str, dict[Kind, tuple[Kind, ...]]] = {
    "intake": {ReplyReceived: (PetitionRated,)}
    | dict.fromkeys(
        (
            *(PetitionSentToTriage, PetitionRouted, PetitionReferred),
            *(ReturnReceived, ReturnAgreed, ReturnRefused),
            *(PetitionPutToConference, ConferenceDecided, ConferenceFollowedUp, PetitionEscalated),
            *(CaseReturned, CaseKept, CaseHandedBack),
            *(PetitionJoinedCampaign, PetitionLeftCampaign, CommonPolicyApplied, CommonPolicyDeclined),
            *(CaseOpened, CaseAccepted, SessionHeld, CaseOverdue, CaseConcluded, CaseAnswered, CaseRated),
            *(SmsQueued, SmsClaimed, SmsNotSent, SmsSent, SmsUnknown, SmsSkipped, SmsPostponed, SmsJoined),
            *(SmsDelivered, SmsUndelivered, SmsDecided, CallTaskRaised, CallTaskDone),
        ),
        (),
    ),
    "routing": {
        PetitionAccepted: (PetitionRouted,),
        DossierSaved: (PetitionRouted,),
        CaseReturned: (ReturnReceived,),
    },
    "mediation": {
        PetitionAccepted: (CaseOpened,),
        PetitionRouted: (CaseOpened,),
        ReturnRefused: (CaseKept,),
        PetitionSentToTriage: (),  # it comes first in the story, when there is no case yet
        PetitionPutToConference: (CaseHandedBack,),
        PetitionReferred: (),  # the case was handed back before
        CommonPolicyApplied: (CommonPolicyDeclined,),  # the same
        PetitionRated: (CaseRated,),
    },
    "notify": {
        DossierSaved: (SmsClaimed, SmsSent),
        PetitionRegistered: TOLD,
        PetitionAccepted: TOLD,
        PetitionSupplemented: TOLD,
        PetitionRouted: TOLD,
        PetitionSentToTriage: TOLD,
        ReturnRefused: TOLD,
        PetitionPutToConference: TOLD,
        PetitionReferred: TOLD,
        PetitionJoinedCampaign: TOLD,
        PetitionLeftCampaign: TOLD,
        CaseOpened: TOLD,
        CaseAccepted: TOLD,
        SessionHeld: TOLD,
        CaseOverdue: TOLD,
        CaseConcluded: TOLD,
        CaseAnswered: TOLD,
        CaseRated: TOLD,
        PetitionRated: (),
    },
}
# A petition has heard all of its story that comes before the fact under test, but for these: here the fact
# comes last of those that the decision waits for.
EARLIER: dict[tuple[str, Kind], tuple[Kind, ...]] = {
    ("routing", DossierSaved): (PetitionRegistered, PetitionAccepted),
    ("mediation", PetitionAccepted): (PetitionRegistered, PetitionSentToTriage, PetitionRouted),
    ("mediation", PetitionRated): (
        *(PetitionRegistered, PetitionAccepted, DossierRead, PetitionSupplemented),
        *(PetitionSentToTriage, PetitionRouted),
    ),
    ("notify", DossierSaved): (PetitionRegistered,),
}
# What people must have done by then: a rating is about an answer.
DONE: dict[tuple[str, Kind], tuple[Kind, ...]] = {
    ("mediation", PetitionRated): (CaseAccepted, CaseConcluded, CaseAnswered),
    ("mediation", ReturnRefused): (CaseReturned,),
}
# A claim whose save was not acknowledged is not sent before its lease is over and the gateway was asked.
FOUND_BY_LEASE: tuple[Kind, ...] = (SmsUnknown, SmsNotSent, SmsClaimed, SmsSent)
HANDLERS = [(service, kind) for service, kinds in HEARS.items() for kind in kinds]
each_handler = pytest.mark.parametrize(
    ("run", "kind"),
    HANDLERS,
    indirect=["run"],
    ids=[f"{service}-{kind.__name__}" for service, kind in HANDLERS],
)


class Trouble(StrEnum):
    """What goes wrong while the fact is heard."""

    NONE = "none"
    RAISES = "the-handler-raises"
    UNSAVED = "the-save-fails"
    UNANSWERED = "the-save-is-not-acknowledged"


# Troubles of a whole batch come alone, so that they do not befall those that are left in peace.
WAVES = ((Trouble.NONE, Trouble.RAISES), (Trouble.UNSAVED,), (Trouble.UNANSWERED,))


class Clock:
    """Time that the test moves: nothing becomes due or is forgotten on its own."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        """The moment that the test has set."""
        return self.moment


@dataclass(frozen=True)
class Case:
    """One petition, the facts that it has heard before, and the one under test, each with its bytes."""

    kind: Kind
    trouble: Trouble
    petition: PetitionId
    earlier: tuple[tuple[Fact, bytes], ...]
    tested: tuple[Fact, bytes]


@dataclass
class FailingStore:
    """The store's save, failing once for each petition that is named."""

    save: Any
    before: set[PetitionId] = field(default_factory=set)
    after: set[PetitionId] = field(default_factory=set)
    failed: set[PetitionId] = field(default_factory=set)

    async def __call__(self, drafts: Sequence[Draft]) -> Any:
        """Save, but for a failure that is due, before or after."""
        petitions = {draft.record.petition for draft in drafts}
        self._fail_once(self.before, petitions)
        clashes = await self.save(drafts)
        self._fail_once(self.after, petitions)
        return clashes

    def _fail_once(self, due: set[PetitionId], petitions: set[PetitionId]) -> None:
        if hit := due & petitions:
            due -= hit
            self.failed |= hit
            raise DatabaseError("planted")


@dataclass
class Run:
    """What one service made of all that it hears."""

    process: Process
    cases: list[Case]
    records: dict[PetitionId, Record] = field(default_factory=dict)
    # The messages on the service's own topic, and the last number there before the fact under test.
    streams: dict[PetitionId, list[Message]] = field(default_factory=dict)
    reached: dict[PetitionId, int] = field(default_factory=dict)
    parked: dict[PetitionId, str] = field(default_factory=dict)
    failed: set[PetitionId] = field(default_factory=set)
    again: Counter[Outcome] = field(default_factory=Counter)
    counts: list[dict[str, int]] = field(default_factory=list)
    records_after: dict[PetitionId, Record] = field(default_factory=dict)
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    mirrored: dict[PetitionId, set[bytes]] = field(default_factory=dict)
    stated_bytes: dict[PetitionId, set[bytes]] = field(default_factory=dict)

    def case(self, kind: Kind, trouble: Trouble) -> Case:
        """The petition of one kind and trouble."""
        return next(case for case in self.cases if (case.kind, case.trouble) == (kind, trouble))

    def stated(self, case: Case) -> list[Message]:
        """What the service stated on the fact under test, repeats of the same number left out."""
        distinct = {message.envelope.ordinal: message for message in self.streams.get(case.petition, [])}
        return [distinct[number] for number in sorted(distinct) if number > self.reached[case.petition]]


def story_of(service: str) -> list[Fact]:
    """The example facts for one reader, in the order in which they happened."""
    read_by = (read(value).fact for path, value in every().items() if path.endswith(f"/{service}"))
    facts = [fact for fact in read_by if fact is not None]
    return sorted(facts, key=lambda fact: (fact.at, type(fact).TOPIC is not DOSSIERS))


def make_case(process: Process, kind: Kind, trouble: Trouble, petition: PetitionId) -> Case:
    """Seal the story for a petition of its own, as far as the fact under test."""
    service = process.service
    heard = [fact for fact in story_of(service.name) if type(fact).TOPIC in set(service.listens_to())]
    sealed: dict[Kind, tuple[Fact, bytes]] = {}
    last: dict[str, tuple[int, str | None]] = {}
    for fact in heard:
        topic = type(fact).TOPIC.name
        ordinal, previous = last.get(topic, (0, None))
        value = seal(
            fact,
            petition=petition,
            ordinal=ordinal + 1,
            previous=previous,
            cause=None,
            traceparent=None,
        )
        last[topic] = (ordinal + 1, digest(value))
        sealed[type(fact)] = (fact, value)
    before = EARLIER.get((service.name, kind)) or tuple(takewhile(lambda known: known is not kind, sealed))
    return Case(kind, trouble, petition, tuple(sealed[known] for known in before), sealed[kind])


class Scene:
    """One service while it hears: brings the messages and waits for what becomes of them."""

    def __init__(self, line: Line, process: Process, clock: Clock, patch: pytest.MonkeyPatch) -> None:
        self.line, self.process, self.clock = line, process, clock
        self.outcomes: Counter[Outcome] = Counter()
        self.committed = False
        self.faulty: set[PetitionId] = set()
        self.store = FailingStore(process.store.save)
        patch.setattr(process.store, "save", self.store)
        self._count_outcomes()
        hears: Any = process.service.hears
        for kind in HEARS[process.service.name]:
            # Intake has none: one that fails stands for a fold that does, under the same guard.
            patch.setitem(hears, kind, partial(self._handle, hears.get(kind)))

    def _count_outcomes(self) -> None:
        noted = self.process.batches.outcomes

        def note(outcome: Outcome, topic: str) -> None:
            self.outcomes[outcome] += 1
            self.committed = False
            noted(outcome, topic)

        self.process.batches.outcomes = note

    def _handle(self, healthy: Any, docket: Any, heard: Any, now: datetime) -> Sequence[Fact]:
        if docket.petition in self.faulty:
            raise ZeroDivisionError("a fault of ours")
        facts: Sequence[Fact] = healthy(docket, heard, now) if healthy else ()
        return facts

    async def on_step(self, step: str) -> None:
        """Note the end of a batch."""
        self.committed = self.committed or step == "committed"

    async def deliver(self, messages: Sequence[tuple[PetitionId, tuple[Fact, bytes]]]) -> None:
        """Publish in order, all at once."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.line.broker, acks="all", enable_idempotence=self.line.idempotent
        )
        await producer.start()
        try:
            sent = [
                await producer.send(
                    self.line.prefix + type(fact).TOPIC.name, value, key=petition.encode("ascii")
                )
                for petition, (fact, value) in messages
            ]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    async def load(self, cases: Sequence[Case]) -> dict[PetitionId, Record]:
        """The dockets of some cases."""
        return await self.process.store.load([case.petition for case in cases])

    async def heard(
        self, cases: Sequence[Case], *, tested: bool, sent: bool = True, writer: str = ""
    ) -> None:
        """Wait until the cases have heard all and what they stated is published (and every SMS sent).

        With a `writer` that is all of his alone.
        """

        async def all_heard() -> bool:
            records = await self.load(cases)
            behind = [
                f"{case.kind.__name__}/{case.trouble}"
                for case in cases
                if not self._is_through(case, records[case.petition], tested=tested, sent=sent, writer=writer)
            ]
            assert not behind, f"not through: {behind}"
            return True

        await eventually(all_heard, deadline=DEADLINE, every=0.1)

    def _is_through(self, case: Case, record: Record, *, tested: bool, sent: bool, writer: str) -> bool:
        facts = [
            fact
            for fact, _ in (*case.earlier, *([case.tested] if tested else []))
            if writer in {"", type(fact).TOPIC.writer}
        ]
        due = Counter(self.process.service.by_topic[type(fact).TOPIC.name].name for fact in facts)
        marks = all(name in record.marks and record.marks[name].ordinal >= due[name] for name in due)
        if not marks or record.pending or record.parked:
            return False
        # Without the number nothing is sent.
        if not sent or self.process.service.name != "notify" or DossierSaved not in map(type, facts):
            return True
        return all(message.state is State.SENT for message in record.parts["own"].messages)

    async def parked(self, cases: Sequence[Case]) -> dict[PetitionId, str]:
        """Wait until all cases are parked; tells why."""

        async def all_parked() -> dict[PetitionId, str]:
            records = await self.load(cases)
            reasons = {record.petition: record.parked.reason for record in records.values() if record.parked}
            assert len(cases) == len(reasons), f"parked: {reasons}"
            return reasons

        return await eventually(all_parked, deadline=DEADLINE, every=0.1)

    async def has_done(self, case: Case) -> None:
        """Let people take the steps that come before the fact under test."""
        service = self.process.service.name
        kinds = DONE.get((service, case.kind), ())
        facts = [fact for fact in story_of(service) if type(fact) in kinds]
        if facts:
            answer = await self.process.commands.ask(case.petition, lambda _docket, _now: facts)
            assert isinstance(answer, Stated)

    async def counts(self) -> dict[str, int]:
        """How many records stand on each topic that the service writes to."""
        service = self.process.service
        own = [part.topic.name for part in service.parts if part.topic.writer == service.name]
        views = [topic.name for topic in BODY_TOPICS.values()] if service.name == "mediation" else []
        topics = [*own, *views, f"{service.name}-dead-letters-v1"]
        found = await asyncio.gather(*(self.line.records(topic, deadline=DEADLINE) for topic in topics))
        return {topic: len(records) for topic, records in zip(topics, found, strict=True)}


async def hear_everything(scene: Scene, run: Run) -> None:
    """Bring all cases to the fact under test, deliver it with its trouble, mend that, deliver it again."""
    cases = run.cases
    mediation = scene.process.service.name == "mediation"
    # There intake's come first: what opens a case must not come after what takes it away again.
    writers = ("intake", "") if mediation else ("",)
    done: set[str] = set()
    for writer in writers:
        await scene.deliver(
            [
                (case.petition, (fact, value))
                for case in cases
                for fact, value in case.earlier
                if type(fact).TOPIC.writer not in done and writer in {"", type(fact).TOPIC.writer}
            ]
        )
        await scene.heard(cases, tested=False, writer=writer)
        done.add(writer)
    for case in cases:
        await scene.has_done(case)
    await scene.heard(cases, tested=False)
    for petition, record in (await scene.load(cases)).items():
        run.reached[petition] = record.marks["own"].ordinal if "own" in record.marks else 0

    by_trouble = {trouble: [case for case in cases if case.trouble is trouble] for trouble in Trouble}
    scene.faulty = {case.petition for case in by_trouble[Trouble.RAISES]}
    scene.store.before = {case.petition for case in by_trouble[Trouble.UNSAVED]}
    scene.store.after = {case.petition for case in by_trouble[Trouble.UNANSWERED]}
    for wave in WAVES:
        together = [case for case in cases if case.trouble in wave]
        await scene.deliver([(case.petition, case.tested) for case in together])
        if Trouble.RAISES in wave:
            run.parked = await scene.parked(by_trouble[Trouble.RAISES])
            together = by_trouble[Trouble.NONE]  # the others go on meanwhile
        await scene.heard(together, tested=True, sent=Trouble.UNANSWERED not in wave)
    scene.faulty.clear()
    await scene.process.batches.handle({petition: (Redrive(),) for petition in run.parked})
    await scene.heard(by_trouble[Trouble.RAISES], tested=True)
    scene.clock.moment += timedelta(minutes=1)  # every lease is over
    await scene.heard(cases, tested=True)
    run.failed = scene.store.failed

    run.records = await scene.load(cases)
    run.counts.append(await scene.counts())
    scene.outcomes.clear()
    await scene.deliver([(case.petition, case.tested) for case in cases])
    await eventually(lambda: scene.committed and scene.outcomes.total() >= len(cases), deadline=DEADLINE)
    run.again = Counter(scene.outcomes)
    run.counts.append(await scene.counts())
    run.records_after = await scene.load(cases)


async def read_streams(line: Line, run: Run) -> None:
    """Read what the service has said, from the broker and from the outbox."""
    service = run.process.service
    own = service.parts[0].topic
    for record in await line.records(own.name, deadline=DEADLINE):
        message = read(record.value)
        run.streams.setdefault(message.petition, []).append(message)
        run.stated_bytes.setdefault(message.petition, set()).add(record.value)
    if service.name == "mediation":
        story = next(story for story in STORIES if story.reader == service.name)
        for record in await line.records(BODY_TOPICS[story.body].name, deadline=DEADLINE):
            run.mirrored.setdefault(read(record.value).petition, set()).add(record.value)
    # A reference ends with the attempt: two attempts of one message count as two.
    texts = [sms["reference"].partition(".")[::2] for sms in outbox(line)]
    run.sent = Counter((petition, message.rpartition(".")[0]) for petition, message in texts)


async def petitions_of(service: str, client: Any, count: int, clock: Clock) -> list[PetitionId]:
    """Ids: invented, but for intake, which must have registered them."""
    if service != "intake":
        return [make(clock.now(), chance) for chance in range(count)]
    answers = [await client.post("/petitions", json=PETITION) for _ in range(count)]
    return [PetitionId(answer.json()["petition_id"]) for answer in answers]


async def run_of(service: str, line: Line, patch: pytest.MonkeyPatch) -> Run:
    """Run one service through everything."""
    await line.provide()
    clock = Clock(story_of(service)[0].at + timedelta(hours=3))
    app = import_module(f"services.{service}.app")
    patch.setattr(app, "build", partial(app.build, clock=clock))
    async with line.running(service) as (process, client):
        folds = foreign_facts(process) if service == "intake" else set()
        assert set(HEARS[service]) == {*process.service.hears, *folds}
        scene = Scene(line, process, clock, patch)
        patch.setattr(process.batches, "on_step", scene.on_step)
        kinds = [(kind, trouble) for kind in HEARS[service] for trouble in Trouble]
        petitions = await petitions_of(service, client, len(kinds), clock)
        made = zip(kinds, petitions, strict=True)
        cases = [make_case(process, kind, trouble, petition) for (kind, trouble), petition in made]
        run = Run(process, cases)
        await hear_everything(scene, run)
        await read_streams(line, run)
    return run


def foreign_facts(process: Process) -> set[Kind]:
    """All facts of the topics that a service folds."""
    return {kind for kind in FACTS if kind.TOPIC in process.service.listens_to()}


@pytest.fixture(scope="module")
def runs(
    broker: str, mongo: str, broker_guarantees: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Run]:
    """What each service made of all that it hears; one that failed is not run again."""

    @cache
    def run_once(service: str) -> Run | BaseException:
        outbox_path = tmp_path_factory.mktemp(service) / "outbox.jsonl"
        line = Line(broker, mongo, str(outbox_path), idempotent=broker_guarantees == "kafka")
        with pytest.MonkeyPatch.context() as patch:
            try:
                return asyncio.run(run_of(service, line, patch))
            except AssertionError as error:
                return error

    def run_or_fail(service: str) -> Run:
        found = run_once(service)
        if isinstance(found, BaseException):
            raise found
        return found

    return run_or_fail


@pytest.fixture
def run(request: pytest.FixtureRequest, runs: Callable[[str], Run]) -> Run:
    """What the service that is named made of it."""
    return runs(request.param)


def kinds_of(messages: Sequence[Message]) -> list[str]:
    """The names of what was stated."""
    return [type(message.fact).__name__ for message in messages]


def names(kinds: Sequence[Kind]) -> list[str]:
    """The names of what must have been stated."""
    return [kind.__name__ for kind in kinds]


def comparable(case: Case, messages: Sequence[Message]) -> list[tuple[str, str, str]]:
    """What was stated, and why, without the petition's number.

    How many facts notify has stated before depends on how the streams met, so its own numbers are left out.
    """
    return [
        (
            message.envelope.type,
            bytes(message.envelope.data).decode().replace(case.petition, "this"),
            re.sub(
                rf"^({NOTIFY.name}/this)/\d+$",
                r"\1",
                (message.envelope.causationid or "").replace(case.petition, "this"),
            ),
        )
        for message in messages
    ]


def folded(run: Run, case: Case) -> dict[str, Any]:
    """What the docket must have of the other services' streams: each fact folded once."""
    parts: dict[str, Any] = {}
    for part in run.process.service.parts:
        if part.topic.writer != run.process.service.name:
            facts = [fact for fact, _ in (*case.earlier, case.tested) if type(fact).TOPIC is part.topic]
            parts[part.name] = reduce(part.evolve, facts, part.state())
    return parts


@each_handler
def test_the_first_delivery_states_what_it_must_and_is_folded_once(run: Run, kind: Kind) -> None:
    case = run.case(kind, Trouble.NONE)
    expected = HEARS[run.process.service.name][kind]
    assert names(expected) == kinds_of(run.stated(case))
    record = run.records[case.petition]
    assert folded(run, case) == {name: record.parts[name] for name in folded(run, case)}


@each_handler
@pytest.mark.parametrize("trouble", [trouble for trouble in Trouble if trouble is not Trouble.NONE])
def test_after_a_failure_the_same_is_stated_as_without(run: Run, kind: Kind, trouble: Trouble) -> None:
    calm, case = run.case(kind, Trouble.NONE), run.case(kind, trouble)
    assert trouble is Trouble.RAISES or case.petition in run.failed, "the trouble never came"
    assert (trouble is Trouble.RAISES) == (run.parked.get(case.petition) == "decision-raised")
    expected, stated = run.stated(calm), run.stated(case)
    if trouble is Trouble.UNANSWERED and SmsSent in HEARS[run.process.service.name][kind]:
        asked = stated[-len(FOUND_BY_LEASE) :]
        assert names(FOUND_BY_LEASE) == kinds_of(asked)
        expected, stated = expected[:-1], stated[: -len(FOUND_BY_LEASE)]
    assert comparable(calm, expected) == comparable(case, stated)
    record = run.records[case.petition]
    assert folded(run, case) == {name: record.parts[name] for name in folded(run, case)}


@each_handler
def test_the_second_delivery_changes_nothing(run: Run, kind: Kind) -> None:
    for trouble in Trouble:
        case = run.case(kind, trouble)
        assert run.records[case.petition] == run.records_after[case.petition], trouble


@each_handler
def test_the_stream_has_no_gap_and_each_sms_is_sent_once(run: Run, kind: Kind) -> None:
    for trouble in Trouble:
        case = run.case(kind, trouble)
        stream = run.streams.get(case.petition, [])
        assert chain_is_whole(stream), trouble
        mark = run.records[case.petition].marks.get("own")
        assert (mark.ordinal if mark else 0) == max((m.envelope.ordinal for m in stream), default=0), trouble
        queued = [m.fact.message for m in stream if isinstance(m.fact, SmsQueued)]
        sent = {name: count for (petition, name), count in run.sent.items() if petition == case.petition}
        assert dict.fromkeys(queued, 1) == sent, trouble
        if run.process.service.name == "mediation":
            mirrored = run.mirrored.get(case.petition, set())
            assert run.stated_bytes.get(case.petition, set()) == mirrored, trouble


@pytest.mark.parametrize("run", HEARS, indirect=True)
def test_every_second_delivery_is_counted_as_heard_and_nothing_is_written(run: Run) -> None:
    assert {Outcome.HEARD} == set(run.again)
    assert len(run.cases) <= run.again[Outcome.HEARD]
    assert run.counts[0] == run.counts[1]
    assert 0 == run.counts[1][f"{run.process.service.name}-dead-letters-v1"]
