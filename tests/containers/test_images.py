"""What is inside the four images, and how they behave where nothing can be written."""

import json
from collections.abc import Iterator

import pytest

from contracts.topics import SERVICES
from tests.containers.lab import image, podman

pytestmark = [
    pytest.mark.containers,
    pytest.mark.usefixtures("images"),
    pytest.mark.timeout(3600),  # the first test waits for the images
    pytest.mark.parametrize("service", SERVICES),
]

LOOK = """
import json, os, pathlib, sys
def names(folder):
    return sorted(p.name for p in pathlib.Path(folder).iterdir() if p.name != "__pycache__")
def writable(folder):
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            full = os.path.join(path, name)
            if not os.path.islink(full) and os.access(full, os.W_OK):
                yield full
sources = [p for top in ("/app", "/opt/venv/lib") for p in pathlib.Path(top).rglob("*.py")]
print(json.dumps({
    "user": os.getuid(),
    "code": names("/app"),
    "services": names("/app/services"),
    "tests": [str(p) for p in pathlib.Path("/app").rglob("test*")],
    "own": [p for top in ("/app", "/opt", "/etc", "/usr", "/home", "/var/lib") for p in writable(top)],
    "pip": [p for p in ("/root/.cache", "/build", "/tmp/pip", "/opt/venv/bin/pip") if os.path.exists(p)],
    "uncompiled": [str(p) for p in pathlib.Path("/app").rglob("*.py")
                   if not list((p.parent / "__pycache__").glob(p.stem + ".*.pyc"))],
    "compiled_packages": len(list(pathlib.Path("/opt/venv/lib").rglob("*.pyc"))),
}))
"""


@pytest.fixture(scope="module")
def running(images: None) -> Iterator[dict[str, str]]:  # noqa: ARG001 - runs them
    """An idle container of each image, held as docker-compose holds it: only /tmp writable, no capability."""
    started = {
        service: podman(
            *("run", "--detach", "--rm", "--no-healthcheck", "--read-only", "--read-only-tmpfs=false"),
            *("--network", "none", "--tmpfs", "/tmp:mode=1777", "--cap-drop", "ALL"),  # noqa: S108 - a folder inside the container
            *("--security-opt", "no-new-privileges", image(service), "sleep", "1800"),
        ).stdout.strip()
        for service in SERVICES
    }
    yield started
    podman("rm", "--force", "--volumes", "--time", "0", *started.values())


def run(container: str, *arguments: str) -> tuple[int, str]:
    done = podman("exec", container, *arguments, check=False)
    return done.returncode, done.stdout + done.stderr


def test_only_the_service_and_the_shared_packages_are_inside(service: str, running: dict[str, str]) -> None:
    code, said = run(running[service], "python", "-c", LOOK)
    assert 0 == code, said
    found = json.loads(said)
    assert found["user"] != 0
    assert ["contracts", "runtime", "services"] == found["code"]
    assert ["__init__.py", service] == found["services"]
    assert [] == found["tests"] + found["pip"] + found["uncompiled"]
    assert ["/var/lib/notify"] * (service == "notify") == found["own"]
    assert found["compiled_packages"] > 1000


def test_nothing_can_be_written_but_temporary_files(service: str, running: dict[str, str]) -> None:
    paths = "/x /app/x /opt/venv/x /etc/x /var/tmp/x /usr/x"
    script = f"touch /tmp/x && for p in {paths}; do touch $p && echo $p; done"
    _, said = run(running[service], "sh", "-c", script)
    assert [] == [line for line in said.splitlines() if line.startswith("/")]
    assert 6 == said.count("Read-only file system")


def test_missing_variables_are_named_and_nothing_else_is_said(service: str, running: dict[str, str]) -> None:
    code, said = run(running[service], "python", "-m", f"services.{service}")
    assert 2 == code
    lines = said.strip().splitlines()
    assert all(line.startswith(f"{service}: environment variable {service.upper()}_") for line in lines)
    for name in ("BROKER", "DATABASE", "STAFF_KEY"):
        assert f"{service.upper()}_{name}: Field required" in said


def test_the_image_says_how_it_is_watched_and_stopped(service: str) -> None:
    (described,) = json.loads(podman("image", "inspect", image(service)).stdout)
    config = described["Config"]
    user, _, group = config["User"].partition(":")
    assert user.isdecimal()
    assert group.isdecimal()
    assert "SIGTERM" == config["StopSignal"]
    assert ["python", "-m", f"services.{service}"] == config["Cmd"]
    assert "/readyz" in described["Healthcheck"]["Test"][-1]
    assert f"petition-bridge {service}" == described["Labels"]["org.opencontainers.image.title"]
    assert [f"{8001 + SERVICES.index(service)}/tcp"] == list(config["ExposedPorts"])


def test_the_image_adds_little_to_its_base(service: str) -> None:
    (described,) = json.loads(podman("image", "inspect", image(service)).stdout)
    (base,) = json.loads(podman("image", "inspect", "localhost/petition-lab/python:3.11-slim").stdout)
    assert described["Size"] - base["Size"] < 150_000_000
