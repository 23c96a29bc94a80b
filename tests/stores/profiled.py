"""What the database did for each command of a test, from its own profiler: the plans that it really ran."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase

PREPARING = ("createIndexes", "profile", "explain")


@dataclass(frozen=True)
class Ran:
    """One command: by which plan, how much it read and gave."""

    command: str
    plan: str
    keys: int
    documents: int
    sorted_in_memory: bool

    @property
    def indexed(self) -> bool:
        """Whether an index alone led it to its documents, in their order."""
        steps = self.plan.replace(", ", " ").split()
        scans = {step for step in steps if step.isupper() and not step.isdigit()}
        return bool(scans) and scans <= {"IXSCAN", "IDHACK", "COUNT_SCAN"} and not self.sorted_in_memory


@asynccontextmanager
async def profiled(database: AsyncIOMotorDatabase[dict[str, Any]]) -> AsyncIterator[list[Ran]]:
    """Profile what happens inside; the list is filled at the end."""
    await database.command("profile", 2)
    ran: list[Ran] = []
    try:
        yield ran
    finally:
        await database.command("profile", 0)
    query = {
        "ns": {"$not": {"$regex": r"system\.profile$"}},
        "op": {"$in": ["query", "update", "remove", "command"]},
    }
    async for entry in database["system.profile"].find(query).sort("ts", 1):
        if set(PREPARING) & set(entry.get("command", {})):
            continue
        if entry["op"] == "command" and "planSummary" not in entry:
            continue  # the bulk that the updates of one command stand in; each has an entry of its own
        ran.append(
            Ran(
                command=f"{entry['op']} {entry.get('command', {})}",
                plan=entry.get("planSummary", ""),
                keys=entry.get("keysExamined", 0),
                documents=entry.get("docsExamined", 0),
                sorted_in_memory=bool(entry.get("hasSortStage")),
            )
        )
