"""The images, built once per session, and one composed system that the tests share."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.containers import lab
from tests.containers.lab import System


@pytest.fixture(scope="session")
def images(request: pytest.FixtureRequest) -> Iterator[None]:
    """All images, in the lab's storage. Skips where containers cannot run; takes minutes the first time."""
    if reason := lab.hindrance():
        pytest.skip(reason)
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():  # who waits for minutes wants to see what for
        print(flush=True)  # noqa: T201 - ends pytest's line of dots
        subprocess.run([str(lab.HERE / "lab.sh"), "up"], check=True, timeout=3000)
    yield
    subprocess.run([str(lab.HERE / "lab.sh"), "clean"], check=True, timeout=300)


@pytest.fixture(scope="session")
def system(images: None) -> Iterator[System]:  # noqa: ARG001 - the system runs them
    """docker-compose.yml brought up with secrets and ports of its own; gone afterwards, volumes included."""
    system = lab.plan()
    with lab.serving():
        try:
            done = system.compose("up", "--detach", "--no-build")
            if done.returncode:
                pytest.fail(f"docker-compose up: {done.stderr[-2000:]}\n{system.logs()}")
            yield system
        finally:
            system.compose("down", "--volumes", "--timeout", "20")
