"""What must hold when the load is over: all published, nothing parked, every docket there, each SMS once."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from typing import Any

from pymongo import MongoClient

from local import services
from tests.bench.stage import Line

SETTLE_WITHIN = 60.0


class LeftOverError(Exception):
    """The line has not ended as it must: something pending, lost, doubled or parked."""


def settle(line: Line, seen: Mapping[str, Any], *, stored: int = 0, within: float = SETTLE_WITHIN) -> None:
    """Wait until every fact is published and every docket is there; raise if that never comes.

    `seen` is what the generator saw, `stored` how many petitions were there before it.
    """
    limit = time.monotonic() + within
    with line.stage.client() as client:
        while left := unpublished(line, client) + missing(line, client, seen, stored) + owed(seen):
            if time.monotonic() > limit:
                raise LeftOverError("; ".join(left))
            # Looking costs the database something, so it is not done more often than a sweep.
            subprocess.run(["sleep", "0.5"], check=True)


def unpublished(line: Line, client: MongoClient[dict[str, Any]]) -> list[str]:
    """What is stated and not published, or parked; the services' own indexes tell, however much is stored."""
    left = []
    for name in services.NAMES:
        database = client[line.around.database_prefix + name]
        waiting = {"pending": ("pending.since", "sweep"), "parked": ("parked.since", "parked")}
        for what, (field, index) in waiting.items():
            if count := database.dockets.count_documents({field: {"$exists": True}}, hint=index):
                left.append(f"{name}: {count} {what}")
        if count := database.outbox.estimated_document_count():
            left.append(f"{name}: {count} in the outbox")
    return left


def missing(
    line: Line, client: MongoClient[dict[str, Any]], seen: Mapping[str, Any], stored: int
) -> list[str]:
    """How many dockets are not there, or too many. Whoever was told to come again may have been taken."""
    left, most = [], stored + seen["accepted"] + sum(seen["refused"].values())
    for name in services.NAMES:
        count = client[line.around.database_prefix + name].dockets.estimated_document_count()
        if not stored + seen["accepted"] <= count <= most:
            left.append(f"{name}: {count - stored} dockets for {seen['accepted']} petitions")
    return left


def owed(seen: Mapping[str, Any]) -> list[str]:
    """What the SMS of the petitions lack, or have too much of: three in triage, else four.

    `taken` are the accepted ones and those that were taken although their sender was told to come again.
    """
    left, taken = [], seen.get("taken", seen["accepted"])
    if seen["whole"] != taken:
        left.append(f"{taken - seen['whole']} petitions without their last SMS")
    if seen["sms_doubled"]:
        left.append(f"{seen['sms_doubled']} SMS doubled")
    due = 4 * (taken - seen["triaged"]) + 3 * seen["triaged"]
    if seen["sms"] != due:
        left.append(f"{seen['sms']} SMS instead of {due}")
    return left
