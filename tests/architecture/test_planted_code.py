"""Each rule of this directory turns red when its fault is planted, and stays green beside it."""

from textwrap import dedent

import pytest

from tests.architecture.rules import RULES, Rule
from tests.architecture.source import source

FAULTS: dict[str, list[tuple[str, str, str]]] = {
    "catches_no_more_than_it_knows": [
        ("services/intake/http.py", "try: f()\nexcept Exception: pass", "catches everything"),
        ("services/intake/http.py", "try: f()\nexcept (OSError, BaseException): raise", "catches everything"),
        ("runtime/store.py", "try: f()\nexcept: raise", "catches everything"),
        ("runtime/listen.py", "try: f()\nexcept BaseException: log.error('it_failed')", "catches everything"),
        ("local/up.py", "try: f()\nexcept BaseException: f.kill()", "catches everything"),
        ("services/notify/sms.py", "with contextlib.suppress(Exception): f()", "suppresses everything"),
    ],
    "publishes_only_in_the_runtime": [
        ("services/intake/http.py", "from aiokafka import AIOKafkaProducer", "runtime/publish.py alone"),
        (
            "services/intake/http.py",
            "from aiokafka import X, AIOKafkaProducer as P",
            "runtime/publish.py alone",
        ),
        ("runtime/sweep.py", "aiokafka.AIOKafkaProducer()", "runtime/publish.py alone"),
        ("services/intake/http.py", "await process.publisher.send(topic)", "publisher: only the runtime"),
        ("services/routing/http.py", "await process.batches.flush.publish({})", "publish: only the runtime"),
        ("local/demo.py", "from aiokafka import AIOKafkaProducer", "runtime/publish.py alone"),
        ("runtime/process.py", "AIOKafkaAdminClient()", "contracts/provision.py alone"),
        ("services/notify/app.py", "@broker.subscriber('a')\ndef f(): ...", "runtime/listen.py alone"),
        ("services/notify/app.py", "AIOKafkaConsumer('a')", "belong to no group"),
    ],
    "logs_only_what_is_allowed": [
        ("runtime/sweep.py", "log.info(f'petition {x} routed')", "never put together"),
        ("runtime/sweep.py", "log.info('petition_' + kind)", "never put together"),
        ("runtime/sweep.py", "log.info('Petition routed')", "not snake_case"),
        ("runtime/sweep.py", "log.info('route_petition')", "past tense"),
        ("runtime/sweep.py", "log.info('petition_routed', 'labor')", "values have keys"),
        ("services/notify/sms.py", "log.info('sms_sent', phone=p)", "`phone` is not on the list"),
        ("services/notify/sms.py", "structlog.get_logger().info('sms_sent', text=t)", "`text` is not"),
        ("services/notify/sms.py", "log.bind(name=n).info('sms_sent')", "`name` is not on the list"),
        (
            "services/notify/sms.py",
            "def f():\n    at = {'content': c}\n    log.info('sms_sent', **at)",
            "`content`",
        ),
        ("services/notify/sms.py", "log.info('sms_sent', **everything)", "cannot be read"),
        ("services/notify/sms.py", "log.info('sms_sent', detail=f'to {phone}')", "put together"),
        ("services/notify/sms.py", "log.warning('sms_refused', reason=str(error))", "an error's text"),
        ("services/notify/sms.py", "log.exception('sms_refused')", "say the level"),
    ],
    "waives_no_gate": [
        ("services/intake/http.py", "x = 1  # noqa: BLE001 - because", "BLE001 may not be waived"),
        ("services/intake/http.py", "x = 1  # noqa: E501, DTZ005", "DTZ005 may not be waived"),
        ("services/intake/domain.py", "x = 1  # noqa: TID251", "TID251 may not be waived"),
        ("services/intake/http.py", "# ruff: noqa: F401", "the whole file"),
        ("contracts/intake.py", "# mypy: ignore-errors", "the whole file"),
    ],
    "handlers_only_hand_over": [
        (
            "services/routing/handlers.py",
            "def on_it(d, heard: Heard[PetitionRated], now): ...",
            "on_petition_rated",
        ),
        ("services/routing/handlers.py", "def sort_out(d): ...", "hears no fact"),
        ("services/routing/handlers.py", "async def on_a(d): ...", "waits for nothing"),
        ("services/routing/handlers.py", "def _a():\n" + "    x = 1\n" * 15, "16 lines"),
        ("services/routing/handlers.py", "def _a():\n    try: f()\n    except ValueError: pass", "tries"),
        ("services/routing/handlers.py", "def _a():\n    return clock.now()", "calls now"),
        ("services/routing/handlers.py", "def _a():\n    return uuid.uuid4()", "calls uuid4"),
        ("services/routing/handlers.py", "def _a():\n    broker.publish(fact)", "calls publish"),
    ],
    "domain_is_pure": [
        ("services/mediation/domain.py", "async def decide_opening(d, now): ...", "waits for something"),
        ("services/mediation/domain/sessions.py", "x = open('a')", "touches nothing"),
        ("services/mediation/deadlines.py", "datetime.now(UTC)", "calls now"),
        ("services/mediation/domain.py", "import secrets\nsecrets.token_hex(4)", "calls token_hex"),
        ("services/mediation/domain.py", "def f():\n    global cases", "outside the docket"),
        ("services/mediation/domain.py", "@dataclass\nclass Case: ...", "not frozen"),
        ("services/mediation/domain.py", "@dataclass(slots=True)\nclass Case: ...", "not frozen"),
    ],
    "has_no_any_on_the_wire_or_in_the_rules": [
        ("services/mediation/domain.py", "from typing import Any", "say the type"),
        ("contracts/intake.py", "x: typing.Any", "say the type"),
    ],
    "metrics_have_one_list": [
        ("services/notify/sms.py", "from prometheus_client import Counter", "stand in metrics.py"),
        ("runtime/consume.py", "metrics.MESSAGES.labels(record.petition).inc()", "petition as a label"),
        ("runtime/consume.py", "metrics.MESSAGES.labels(topic=str(fact.id)).inc()", "id as a label"),
    ],
    "is_named_for_what_it_answers": [
        ("services/routing/utils.py", "", "`utils`"),
        ("runtime/common/__init__.py", "", "`common`"),
        ("services/notify/sms_helper.py", "", "`sms_helper`"),
    ],
}

BESIDE = [
    ("runtime/consume.py", "try: f()\nexcept Exception as error: g(error)"),
    ("runtime/listen.py", "try: f()\nexcept BaseException:\n    g()\n    raise"),
    ("runtime/publish.py", "from aiokafka import AIOKafkaProducer"),
    ("local/demo.py", "from aiokafka import AIOKafkaConsumer"),
    ("runtime/sweep.py", "log.warning('sweep_failed', reason=type(error).__name__)"),
    (
        "runtime/sweep.py",
        "def f():\n    at = {'topic': t, 'offset': 1}\n    log.error('message_dead_lettered', **at)",
    ),
    ("services/intake/http.py", "dossier.info('anything', phone=1)"),
    (
        "services/routing/handlers.py",
        "def on_petition_rated(d, h: Heard[PetitionRated], now): return decide(d, now)",
    ),
    ("services/mediation/domain.py", "@dataclass(frozen=True)\nclass Case:\n    due: datetime"),
    ("services/notify/sending.py", "x: Any = time(9, 30)"),
    ("runtime/consume.py", "metrics.MESSAGES.labels(work.topic, outcome).inc()"),
    ("services/notify/information.py", ""),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.__name__))
def test_the_rule_turns_red_when_its_fault_is_planted(rule: Rule) -> None:
    for path, code, said in FAULTS[rule.__name__]:
        findings = list(rule(source(path, dedent(code))))
        assert any(said in finding and finding.startswith(f"{path}:") for finding in findings), (
            code,
            findings,
        )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.__name__))
def test_the_rule_stays_green_when_nothing_is_wrong(rule: Rule) -> None:
    assert [] == [finding for path, code in BESIDE for finding in rule(source(path, code))]
