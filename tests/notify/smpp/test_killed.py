"""Case 2: a sending process is killed again and again; the centre never gets a message twice."""

from __future__ import annotations

import asyncio
import random
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from local.paths import ROOT
from local.supervisor import leashed
from tests.notify.peers.centre import Centre
from tests.notify.smpp.worker import opened

pytestmark = pytest.mark.real

MESSAGES: Final = 3_000
KILLS: Final = 20
NUMBER: Final = re.compile(r"第(\d+)条")


async def killed_after(claims: Path, port: int, more: int, centre: Centre) -> bool:
    """Run a worker and kill it with -9 once the centre has got so many more; False if it ended before."""
    had = (await centre.counts())["accepted"]
    program = leashed([sys.executable, "-m", "tests.notify.smpp.worker", str(claims), str(port)])
    process = await asyncio.create_subprocess_exec(*program, cwd=ROOT)
    ended = asyncio.create_task(process.wait())
    while not ended.done() and (await centre.counts())["accepted"] < had + more:
        await asyncio.wait({ended}, timeout=0.002)
    killed = not ended.done()
    if killed:
        process.kill()
    await ended
    return killed


@pytest.mark.timeout(300)
async def test_2_a_sender_killed_twenty_times_repeats_nothing_and_knows_what_is_unknown(
    centre: Centre, tmp_path: Path
) -> None:
    chance = random.Random(20)  # noqa: S311 - where to kill
    claims = tmp_path / "claims.sqlite"
    base = opened(str(claims))
    base.executemany("insert into message values (?, 'created')", ((n,) for n in range(MESSAGES)))
    await centre.ask(slow=20)  # so that many are under way when it is killed
    kills = 0
    while kills < KILLS:
        assert await killed_after(claims, centre.port, chance.randrange(20, 120), centre), "it must be killed"
        kills += 1
    assert not await killed_after(claims, centre.port, 10**9, centre)

    states = dict(base.execute("select number, state from message"))
    got = await centre.got()
    whole = Counter((int(found[1]), "") for one in got if (found := NUMBER.search(one["text"])))
    assert [] == [number for number, count in whole.items() if count > 1], "sent twice"
    # Segments of one message: each once. The second has no number, so they are told by their reference.
    segments = Counter((one["mark"], one["udh"][0], one["text"]) for one in got if one["udh"])
    assert [] == [segment for segment, count in segments.items() if count > 1]
    arrived = {number for number, _ in whole}
    accepted = {number for number, state in states.items() if state == "accepted"}
    unknown = {number for number, state in states.items() if state == "unknown"}
    assert {"accepted", "unknown"} == set(states.values())
    assert set(range(MESSAGES)) == accepted | unknown
    assert accepted <= arrived, "nothing counts as accepted that the centre does not have"
    assert arrived - accepted <= unknown
    # At most what two lanes had under way at each kill.
    assert 0 < len(unknown) <= KILLS * 2 * 25
    sys.stdout.write(
        f"{kills} kills, {len(unknown)} unknown, {len(unknown & arrived)} of these had arrived\n"
    )
