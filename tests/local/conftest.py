"""The local system with stand-ins for the services, as a process that a test can ask, signal and kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local import ports
from local.paths import ROOT
from tests.eventually import eventually
from tests.local.processes import children


@dataclass(frozen=True)
class System:
    """A running `up` on ports of its own."""

    process: subprocess.Popen[bytes]
    output: Path
    port_base: int
    broker: str
    mongo: str

    @property
    def printed(self) -> str:
        """All that it has printed so far, both streams."""
        return self.output.read_text(encoding="utf-8")

    async def up(self) -> set[int]:
        """Wait until everything is up: the process numbers of everything that it has started."""

        def is_up() -> bool:
            assert self.process.poll() is None, self.printed
            return "everything is up" in self.printed

        await eventually(is_up, deadline=60)
        return children(self.process.pid)

    async def ended(self, deadline: float = 10) -> int:
        """Wait for its end: its exit code."""
        await eventually(lambda: self.process.poll() is not None, deadline=deadline)
        return self.process.returncode

    async def interrupted(self) -> int:
        """Press Ctrl-C: its exit code."""
        self.process.send_signal(signal.SIGINT)
        return await self.ended(deadline=5)


Start = Callable[..., System]
DiskOf = Callable[[str], Path]


def four_in_a_row() -> int:
    """The first of four free ports."""
    while True:
        base = ports.free()
        if base < 60_000 and not any(ports.is_taken(base + place) for place in range(4)):
            return base


def two_in_a_row() -> int:
    """The first of two free ports: the broker's own and its controller's."""
    while True:
        port = ports.free()
        if port < 60_000 and not ports.is_taken(port + 1):
            return port


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start an `up` with its state in the test's folder; whatever still runs at the end is killed."""
    begun: list[System] = []

    def begin(*, broker: str = "tansu", **variables: str) -> System:
        base, broker_port, mongo_port = four_in_a_row(), two_in_a_row(), ports.free()
        env = {
            **os.environ,
            "LOCAL_STATE": str(tmp_path / "state"),
            "BROKER": broker,
            "MONGO": "auto",
            "PORT_BASE": str(base),
            "BROKER_PORT": str(broker_port),
            "MONGO_PORT": str(mongo_port),
            **variables,
        }
        output = tmp_path / f"up-{len(begun)}.txt"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.local.run_up"],
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        system = System(
            process, output, base, f"127.0.0.1:{broker_port}", f"mongodb://127.0.0.1:{mongo_port}"
        )
        begun.append(system)
        return system

    yield begin
    for system in begun:
        system.process.kill()
        system.process.wait()


@pytest.fixture
def disk_of(tmp_path: Path) -> Iterator[DiskOf]:
    """Mount a disk of a size such as "4m"; skips where only root may and we are not."""
    mounted: list[Path] = []

    def mount(size: str) -> Path:
        folder = tmp_path / "disk"
        folder.mkdir()
        result = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=False, capture_output=True
        )
        if result.returncode:
            pytest.skip(f"a small disk cannot be mounted here: {result.stderr.decode().strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", folder], check=True)
