"""The pipeline while more and more petitions are stored: neither its speed nor its memory may follow them."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from local import tokens
from tests.bench import figures, journeys, pipeline
from tests.bench.seeding import filled, named
from tests.bench.stage import SECRETS, Line, Stage, running

SIZES = tuple(int(size) for size in (os.environ.get("GROWTH") or "10000,100000,1000000").split(","))
# A folder that is kept: what it holds is not made again, and its database is as it was left.
KEPT = os.environ.get("GROWTH_FOLDER") or ""
ORIGINALS = 200
LOOKS = 20
SCREENS = {
    "cases": ("mediation", "/cases?limit=50"),
    "cases of a body": ("mediation", "/cases?body=labor&state=answered&limit=50"),
    "triage": ("routing", "/triage?limit=50"),
    "unsent": ("notify", "/messages?state=unknown&limit=50"),
}
# The database's own counters, per petition: documents and keys read, whole collections read, sorts in memory.
COUNTERS = {
    "documents_read": ("queryExecutor", "scannedObjects"),
    "keys_read": ("queryExecutor", "scanned"),
    "collection_scans": ("queryExecutor", "collectionScans", "total"),
    "sorts": ("operation", "scanAndOrder"),
}


def growth(stage: Stage, seconds: float, texts: str) -> None:
    """Load a line on empty databases, then on databases with many petitions; empty is the reference."""
    with running(stage, "originals") as line:
        originals = journeys.complete(line, ORIGINALS, texts)
    folder = Path(KEPT).resolve() if KEPT else stage.folder / "filled"
    with filled(stage, folder, originals, SIZES) as full:
        empty = _measured(full, 0, seconds, texts)
        for size in SIZES:
            found = _measured(full, size, seconds, texts)
            figures.show(
                f"growth-{size}",
                found["per_second"],
                "petitions/s",
                reference=empty["per_second"],
                stored=size,
                stored_as=f"{ORIGINALS} journeys of the line itself, copied under new ids by bulk insert",
                **{name: value for name, value in found.items() if name != "per_second"},
                empty=empty,
            )


def _measured(stage: Stage, size: int, seconds: float, texts: str) -> dict[str, Any]:
    with running(stage, named(size)) as line:
        stored, before = _stored(line), _counters(stage)
        result = pipeline.loaded(
            line,
            stored=stored,
            seconds=seconds,
            texts=texts,
            window=pipeline.WINDOW,
            seed=time.time_ns() % 10**9,  # a kept folder has the requests of earlier runs
        )
        after, accepted = _counters(stage), result.seen["accepted"]
        return {
            "per_second": result.per_second,
            **result.told(),
            "database": {name: round((after[name] - before[name]) / accepted, 2) for name in COUNTERS},
            "screens_ms": _screens(line),
        }


def _stored(line: Line) -> int:
    with line.stage.client() as client:
        return client[f"{line.around.database_prefix}intake"].dockets.estimated_document_count()


def _counters(stage: Stage) -> dict[str, int]:
    with stage.client() as client:
        metrics: Mapping[str, Any] = client.admin.command("serverStatus")["metrics"]
    found = {}
    for name, path in COUNTERS.items():
        value: Any = metrics
        for step in path:
            value = value[step]
        found[name] = int(value)
    return found


def _screens(line: Line) -> dict[str, float]:
    """How long staff wait for each list: the median."""
    token = tokens.mint(SECRETS.staff_key, role="operator", who="bench-operator")
    found = {}
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        for name, (service, path) in SCREENS.items():
            times = []
            for _ in range(LOOKS):
                began = time.perf_counter()
                client.get(line.around.url(service) + path).raise_for_status()
                times.append(1000 * (time.perf_counter() - began))
            found[name] = round(median(times), 1)
    return found
