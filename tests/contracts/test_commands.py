"""`python -m contracts`: what it prints, and what it leaves on a broker."""

import asyncio
import re
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from contracts import generated
from contracts.__main__ import main
from contracts.provision import ProvisionError, provision
from contracts.topics import ALL_TOPICS, DEAD_LETTERS, DOSSIERS, FACT_TOPICS, INTAKE

Capture = pytest.CaptureFixture[str]


def test_without_arguments_it_tells_what_each_command_is_for() -> None:
    told = subprocess.run([sys.executable, "-m", "contracts"], capture_output=True, text=True, check=False)
    assert told.returncode == 2
    for command in ("schemas", "examples", "asyncapi", "check", "release", "topics"):
        assert f"\n    {command} " in told.stdout


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["check", "--nonsense"], ["topics", "--replication", "x"]]
)
def test_wrong_arguments_are_answered_with_help(arguments: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "usage: python -m contracts" in told.err


def test_the_gate_is_green_and_says_what_it_looked_at(capsys: Capture) -> None:
    assert main(["check"]) == 0
    told = capsys.readouterr().out
    assert re.fullmatch(r"contract: [0-9]{2,} facts and 25 topics of the last release hold\n", told)


@pytest.mark.parametrize("folder", ["schemas", "examples", "asyncapi"])
def test_what_differs_is_said_and_put_right(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    shutil.copytree(generated.HERE / folder, tmp_path / folder)
    monkeypatch.setattr(generated, "HERE", tmp_path)
    assert main([folder, "--check"]) == 0
    assert "up to date" in capsys.readouterr().out
    path = next((tmp_path / folder).rglob("*.json"))
    path.write_text("{}", "utf-8")
    name = path.relative_to(tmp_path).as_posix()
    assert main([folder, "--check"]) == 1
    assert capsys.readouterr().out == f"{name} is not what the models generate\n"
    assert path.read_text("utf-8") == "{}"
    assert main([folder]) == 0
    assert f"{name} is not what the models generate: put right\n" in capsys.readouterr().out
    assert main([folder, "--check"]) == 0


def test_access_rights_are_a_table(capsys: Capture) -> None:
    assert main(["topics", "--acls", "--prefix", "p-"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["PRINCIPAL", "TOPIC", "OPERATION"]
    assert ["intake", "p-petition-dossiers-v1", "WRITE"] in [row.split() for row in rows]
    assert ["body-labor", "p-body-labor-v1", "READ"] in [row.split() for row in rows]
    assert not [row for row in rows if "dossiers" in row and row.split()[0] in {"mediation", "audit"}]


def test_topics_need_a_broker_s_address(capsys: Capture) -> None:
    assert main(["topics"]) == 2
    assert "--bootstrap HOST:PORT" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense", ":::"])
def test_a_broker_that_does_not_answer_is_a_sentence(address: str, capsys: Capture) -> None:
    assert main(["topics", "--bootstrap", address]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == (
        f"no Kafka broker answers at {address!r}: start it, or correct the address (host:port)\n"
    )


@pytest.fixture
def prefix() -> str:
    """Return a prefix of the test's own."""
    return f"t{uuid4().hex[:8]}-"


@pytest.mark.real
def test_what_is_missing_is_created_and_then_present(broker: str, prefix: str, capsys: Capture) -> None:
    asked = ["topics", "--bootstrap", broker, "--prefix", prefix, "--wait", "10"]
    assert main(asked) == 0
    first = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in first] == [["created", f"{prefix}{t.name}:"] for t in ALL_TOPICS]
    assert main(asked) == 0
    again = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in again] == [["present", f"{prefix}{t.name}:"] for t in ALL_TOPICS]
    assert f"present   {prefix}petition-dossiers-v1: 12 partitions, newest per petition" in again
    assert f"present   {prefix}intake-dead-letters-v1: 1 partition, kept 14 days" in again


@pytest.mark.real
async def test_provision_creates_only_what_is_asked_for_and_missing(broker: str, prefix: str) -> None:
    assert await provision(broker, prefix=prefix, topics=[INTAKE]) == [f"{prefix}{INTAKE.name}"]
    assert set(await provision(broker, prefix=prefix, topics=FACT_TOPICS)) == {
        f"{prefix}{topic.name}" for topic in FACT_TOPICS if topic != INTAKE
    }
    assert await provision(broker, prefix=prefix, topics=FACT_TOPICS) == []


@pytest.mark.real
def test_a_topic_that_is_kept_otherwise_is_told_and_left_alone(
    broker: str, prefix: str, broker_guarantees: str, capsys: Capture
) -> None:
    if broker_guarantees == "tansu":
        pytest.skip("Tansu does not tell a topic's settings")
    # Made by hand, as an operator in a hurry would.
    for name, partitions, settings in (
        (INTAKE.name, 3, {"retention.ms": "1000"}),
        (DOSSIERS.name, 12, {}),
        (DEAD_LETTERS["notify"].name, 1, {"retention.ms": str(14 * 86_400_000)}),
    ):
        _make(broker, f"{prefix}{name}", partitions, settings)
    assert main(["topics", "--bootstrap", broker, "--prefix", prefix]) == 1
    lines = {line.split()[1].rstrip(":"): line for line in capsys.readouterr().out.splitlines()}
    assert len(lines) == len(ALL_TOPICS)
    intake, dossiers = lines[f"{prefix}{INTAKE.name}"], lines[f"{prefix}{DOSSIERS.name}"]
    assert intake.startswith("different ")
    assert "it has 3 partitions and should have 12" in intake
    assert "retention.ms is 1000 and should be -1" in intake
    assert "cleanup.policy is delete and should be compact" in dossiers
    assert lines[f"{prefix}{DEAD_LETTERS['notify'].name}"].startswith("present ")


def _make(broker: str, name: str, partitions: int, settings: dict[str, str]) -> None:
    async def make() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker)
        await admin.start()
        await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=settings)])
        await admin.close()

    asyncio.run(make())


@pytest.mark.real
async def test_more_copies_than_brokers_are_refused_with_the_broker_s_reason(
    broker: str, prefix: str, broker_guarantees: str
) -> None:
    if broker_guarantees == "tansu":
        pytest.skip("Tansu keeps one copy whatever it is asked for")
    with pytest.raises(ProvisionError, match=r"the broker refused topic .*replication factor"):
        await provision(broker, prefix=prefix, replication=3)
