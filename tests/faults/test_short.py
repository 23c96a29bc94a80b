"""A minute of faults on the real parts: nothing lost, nothing doubled, everything drained; never a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from local import mongod
from local.broker import Choice
from local.paths import ROOT
from local.trouble import LocalError

pytestmark = [pytest.mark.real, pytest.mark.timeout(1500)]
# Any seed must do; a fixed one makes a red run of the gate one that can be repeated.
SEED = "5"


def test_nothing_is_lost_or_doubled_in_a_minute_of_faults(broker_choice: Choice) -> None:
    if broker_choice.kind != "kafka":
        pytest.skip(f"about Apache Kafka, and BROKER chose {broker_choice.kind}")
    try:
        mongod.find()
    except LocalError as trouble:
        pytest.skip(f"no database: {trouble.what}")
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults"],
        cwd=ROOT,
        env={**os.environ, "FAULT_MINUTES": "1", "SEED": SEED, "CLUSTER": ""},
        capture_output=True,
        check=False,
        text=True,
    )
    assert 0 == done.returncode, done.stderr[-6000:]
    figures = json.loads(done.stdout)
    assert (0, 0, 0) == tuple(figures[name] for name in ("lost", "doubled", "dead_lettered"))
    assert figures["accepted"] == figures["ended"] + figures["open"] + figures["parked"]
    assert figures["accepted"] > 0
    assert figures["kills"] > 0
