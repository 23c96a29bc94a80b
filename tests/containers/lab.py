"""Real containers without a Docker engine: the images, the composed system, and how a test looks inside."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from contracts.topics import SERVICES
from local import ports
from tests.eventually import eventually

ROOT: Final = Path(__file__).parents[2]
HERE: Final = Path(__file__).parent
SOCKET: Final = Path("/run/podman/podman.sock")
SECRETS: Final = (
    "MONGO_ROOT_PASSWORD",
    *(f"{name.upper()}_DATABASE_PASSWORD" for name in SERVICES),
    "STAFF_KEY",
    "INTAKE_CODE_SECRET",
)
IMAGES: Final = "localhost/petition-test"
READY_WITHIN: Final = 120


def program() -> Path:
    """Where the container lab is: CONTAINER_LAB, or beside the repository."""
    return Path(os.environ.get("CONTAINER_LAB") or ROOT.parent / "shared/tools/container-lab")


def hindrance() -> str:
    """Why containers cannot run here; empty where they can."""
    if os.geteuid() != 0:
        return "containers need root"
    if not program().exists():
        return f"no container lab at {program()}; CONTAINER_LAB= says where it is"
    return ""


def image(service: str) -> str:
    """The name of a service's image as the tests build it."""
    return f"{IMAGES}/{service}:latest"


def podman(*arguments: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run podman and return what it said; with `check` a failure is one of the test."""
    done = subprocess.run(
        ["podman", *arguments], input=stdin, capture_output=True, text=True, check=False, timeout=180
    )
    assert not check or done.returncode == 0, f"podman {arguments[0]}: {done.stdout}{done.stderr}"
    return done


@dataclass(frozen=True)
class System:
    """A composed system of its own: project name, secrets and ports."""

    project: str
    environment: dict[str, str]

    def compose(self, *arguments: str, without: str = "") -> subprocess.CompletedProcess[str]:
        """Run docker-compose in the lab, without the user's .env; `without` leaves one variable out."""
        environment = {**os.environ, **self.environment}
        environment.pop(without, None)
        return subprocess.run(
            [str(program()), "compose", "--env-file", str(HERE / "none.env"), *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    def container(self, service: str) -> str:
        """The id of a service's container."""
        labels = (
            f"label=com.docker.compose.project={self.project}",
            f"label=com.docker.compose.service={service}",
        )
        found = podman("ps", "--all", "--quiet", "--filter", labels[0], "--filter", labels[1]).stdout.split()
        assert len(found) == 1, f"{service}: {len(found)} containers"
        return found[0]

    def inside(self, service: str, code: str) -> str:
        """Run Python inside a service's container; what it printed."""
        return podman("exec", "--interactive", self.container(service), "python", "-", stdin=code).stdout

    def url(self, service: str) -> str:
        """Where a service is reached from outside."""
        return f"http://127.0.0.1:{self.environment[f'{service.upper()}_PUBLISHED_PORT']}"

    async def ready(self, services: Sequence[str] = SERVICES) -> None:
        """Wait until the services say that they are ready."""
        async with httpx.AsyncClient(timeout=5) as client:
            for service in services:

                async def says_so(name: str = service) -> bool:
                    with contextlib.suppress(httpx.TransportError):
                        return (await client.get(f"{self.url(name)}/readyz")).status_code == httpx.codes.OK
                    return False

                await eventually(says_so, deadline=READY_WITHIN, every=0.3)

    def logs(self) -> str:
        """The last lines of every container, for a failed start."""
        said = []
        for service in ("kafka", "mongo", "topics", *SERVICES):
            with contextlib.suppress(AssertionError):
                done = podman("logs", "--tail", "8", self.container(service))
                said.append(f"--- {service}\n{done.stdout}{done.stderr}")
        return "\n".join(said)


@contextlib.contextmanager
def serving() -> Iterator[None]:
    """Podman's socket, which docker-compose speaks to; ended with us where nobody else had it open."""
    if _answers():
        yield
        return
    SOCKET.parent.mkdir(parents=True, exist_ok=True)
    SOCKET.unlink(missing_ok=True)
    with subprocess.Popen(
        ["podman", "system", "service", "--time=0", f"unix://{SOCKET}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            # The lab starts one of its own where none answers yet.
            while not _answers() and process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.1)
            yield
        finally:
            process.terminate()
            process.wait()


def _answers() -> bool:
    if not SOCKET.exists():
        return False
    transport = httpx.HTTPTransport(uds=str(SOCKET))
    with contextlib.suppress(httpx.TransportError), httpx.Client(transport=transport, timeout=5) as client:
        return client.get("http://podman/_ping").status_code == httpx.codes.OK
    return False


def plan() -> System:
    """A system with a name, secrets and ports that nobody else has."""
    environment = {name: secrets.token_urlsafe(32) for name in SECRETS}
    environment |= {f"{name.upper()}_PUBLISHED_PORT": str(ports.free()) for name in SERVICES}
    environment |= {"IMAGE_PREFIX": IMAGES, "IMAGE_TAG": "latest", "HOST_ADDRESS": "127.0.0.1"}
    project = f"petition-test-{os.getpid()}"
    return System(project, environment | {"COMPOSE_PROJECT_NAME": project})
