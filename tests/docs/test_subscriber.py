"""The agencies' example: what it makes of new, repeated, missing and forged messages."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from contracts.bodies import Body
from contracts.envelope import digest, seal
from contracts.identity import make
from contracts.mediation import CaseAccepted, CaseOpened
from contracts.provision import provision
from tests.architecture.source import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "subscriber.py"
AT = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
PETITION = make(AT, 7)
OPENED = CaseOpened(
    at=AT, body=Body.LABOR, transfer=1, accept_by=AT + timedelta(days=15), due=AT + timedelta(days=60)
)
ACCEPTED = CaseAccepted(at=AT, handler="zhou")


def message(ordinal: int, previous: bytes | None, fact: CaseOpened | CaseAccepted) -> bytes:
    before = None if previous is None else digest(previous)
    return seal(fact, petition=PETITION, ordinal=ordinal, previous=before, cause=None, traceparent=None)


def example() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("subscriber", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FIRST = message(1, None, OPENED)
SECOND = message(2, FIRST, ACCEPTED)


@pytest.mark.parametrize(
    ("value", "last", "known", "verdict"),
    [
        (FIRST, 0, None, "new"),
        (SECOND, 1, FIRST, "new"),
        (SECOND, 2, SECOND, "repeat"),
        (FIRST, 2, SECOND, "repeat"),
        (message(2, SECOND, ACCEPTED), 1, FIRST, "FORGED"),
        (message(4, SECOND, ACCEPTED), 2, SECOND, "GAP"),
        (message(2, FIRST, ACCEPTED), 0, None, "GAP"),
        (message(6, SECOND, OPENED), 2, SECOND, "new"),
        (message(6, SECOND, OPENED), 0, None, "new"),
    ],
)
def test_a_message_is_judged_by_number_and_hash(
    value: bytes, last: int, known: bytes | None, verdict: str
) -> None:
    event = msgspec.json.decode(value)
    assert verdict == example().judge(event, last, None if known is None else digest(known))


@pytest.mark.real
async def test_an_agency_sees_repeats_gaps_and_forgeries_and_goes_on_where_it_was(
    broker: str, tmp_path: Path
) -> None:
    from tests.line import Line  # noqa: PLC0415 - only where the real parts are there

    line = Line(broker, "mongodb://127.0.0.1:1", str(tmp_path / "outbox"))
    await provision(broker, prefix=line.prefix)
    topic = "body-labor-v1"

    async def told(last: str) -> list[str]:
        """The verdicts up to the first that is `last`."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(EXAMPLE),
            broker,
            line.prefix + topic,
            f"{line.name}-agency",
            str(tmp_path / "marks.db"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout is not None
        verdicts: list[str] = []
        try:
            while last not in verdicts:
                words = await asyncio.wait_for(process.stdout.readline(), 40)
                verdicts.append(words.split()[0].decode())
        finally:
            process.send_signal(signal.SIGINT)  # so that it leaves its group
            await process.wait()
        return verdicts

    sent = (FIRST, FIRST, message(2, b"forged", ACCEPTED), SECOND, message(4, SECOND, ACCEPTED))
    await line.send(topic, *sent, key=PETITION)
    assert ["new", "repeat", "FORGED", "new", "GAP"] == await told("GAP")
    third = message(3, SECOND, ACCEPTED)
    await line.send(topic, SECOND, third, key=PETITION)
    # The last message before the end may not have been committed, and is then judged once more.
    assert ["repeat", "new"] == [verdict for verdict in await told("new") if verdict != "GAP"]
