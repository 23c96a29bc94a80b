"""The four services as processes of their own, for tests that walk a petition through all of them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from local.ports import free
from tests.eventually import eventually
from tests.line import Line

SERVICES = ("intake", "routing", "mediation", "notify")


class Four:
    """Four services as processes of their own, with all that they write kept."""

    def __init__(self, line: Line, folder: Path) -> None:
        self.line = line
        self.written = {name: folder / f"{name}.log" for name in SERVICES}
        self.clients: dict[str, httpx.AsyncClient] = {}
        self.ports = {name: free() for name in SERVICES}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start all four, wait until they are ready, and end them as an operator does."""
        processes = []
        try:
            for name in SERVICES:
                processes.append(await self._started(name))
                url = f"http://127.0.0.1:{self.ports[name]}"
                self.clients[name] = httpx.AsyncClient(base_url=url, timeout=20)
            for name in SERVICES:
                await eventually(partial(self._ready, name), deadline=60)
            yield
        finally:
            for client in self.clients.values():
                await client.aclose()
            for process in processes:
                if process.returncode is None:
                    process.terminate()
            for process in processes:
                await process.wait()

    async def _started(self, name: str) -> asyncio.subprocess.Process:
        with self.written[name].open("wb") as file:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                f"services.{name}",
                env={**os.environ, **self.line.environment(name, port=self.ports[name])},
                stdout=file,
                stderr=asyncio.subprocess.STDOUT,
            )

    async def _ready(self, name: str) -> bool:
        try:
            return (await self.clients[name].get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False


async def submitted(system: Four, petition: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Submit; returns the number and the header that opens the story."""
    answer = await system.clients["intake"].post("/petitions", json=petition)
    assert answer.status_code == 201, answer.text
    return answer.json()["petition_id"], {"X-Query-Code": answer.json()["query_code"]}


async def brought_to(system: Four, petition: str, opened: dict[str, str], state: str) -> None:
    """Wait until the story stands at a state."""

    async def there() -> bool:
        found = await system.clients["intake"].get(f"/petitions/{petition}", headers=opened)
        return bool(found.json()["state"] == state)

    await eventually(there, deadline=40)
