"""Each import contract of pyproject.toml turns red when its fault is planted into a copy of the project."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from contracts.topics import SERVICES
from tests.architecture.programs import run
from tests.architecture.source import ROOT

# Contract, file that gets the fault (made if it is not there), the fault, what the contract's findings say.
FAULTS = [
    ("Packages", "contracts/envelope.py", "import runtime.clock", "contracts.envelope -> runtime.clock"),
    ("Packages", "runtime/sweep.py", "import services.intake", "runtime.sweep -> services.intake"),
    ("Packages", "services/intake/http.py", "import local.paths", "services.intake.http -> local.paths"),
    ("Packages", "services/intake/http.py", "import tests.line", "services.intake.http -> tests.line"),
    ("Local starts", "local/ports.py", "import runtime.store", "local.ports -> runtime.store"),
    (
        "Services: none",
        "services/routing/domain/place.py",
        "import services.intake.domain",
        "routing.domain.place -> services.intake",
    ),
    ("Runtime: a closed", "runtime/utils.py", "", "- runtime.utils"),
    ("Runtime: a closed", "runtime/record.py", "import runtime.store", "runtime.record -> runtime.store"),
    ("Services: a closed", "services/routing/utils.py", "", "- services.routing.utils"),
    (
        "Services: a closed",
        "services/routing/domain/place.py",
        "import services.routing.http",
        "domain.place -> services.routing.http",
    ),
    (
        "Domain: no runtime",
        "services/routing/domain/place.py",
        "import runtime.store",
        "routing.domain.place -> runtime.store",
    ),
    (
        "Domain: no framework",
        "services/routing/domain/place.py",
        "import fastapi",
        "routing.domain.place -> fastapi",
    ),
    (
        "Domain: no framework",
        "services/routing/domain/place.py",
        "import structlog",
        "routing.domain.place -> structlog",
    ),
    (
        "Domain: no framework",
        "services/routing/domain/place.py",
        "import random",
        "routing.domain.place -> random",
    ),
    ("Handlers", "services/routing/handlers.py", "import uuid", "routing.handlers -> uuid"),
    ("Database", "runtime/sweep.py", "import pymongo.errors", "runtime.sweep -> pymongo"),
    ("Database", "services/intake/store.py", "import motor.motor_asyncio", "services.intake.store -> motor"),
    (
        "Broker",
        "services/notify/http/desk.py",
        "from aiokafka import AIOKafkaProducer",
        "services.notify.http.desk -> aiokafka",
    ),
    (
        "Runtime: carries",
        "runtime/draft.py",
        "import contracts.mediation",
        "runtime.draft -> contracts.mediation",
    ),
    (
        "Topics",
        "services/intake/http.py",
        "import contracts.provision",
        "services.intake.http -> contracts.provision",
    ),
]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The linter's report on a copy of the project with every fault in it."""
    copy = tmp_path_factory.mktemp("planted")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in ("contracts", "runtime", "services", "local"):
        shutil.copytree(ROOT / package, copy / package, ignore=only_python)
    for _, path, fault, _ in FAULTS:
        at = copy / path
        at.parent.mkdir(parents=True, exist_ok=True)
        with at.open("a", encoding="utf-8") as file:
            file.write(f"\n{fault}\n")
    # What other tests find missing is no fault of these.
    for service in SERVICES:
        for module in ("__init__", "__main__", "app", "http", "handlers", "store", "settings", "domain"):
            (copy / "services" / service).mkdir(exist_ok=True)
            (copy / "services" / service / f"{module}.py").touch()
    for module in ("tests/__init__.py", "tests/line.py"):
        (copy / module).parent.mkdir(exist_ok=True)
        (copy / module).touch()
    report = run("lint-imports", "--no-cache", "--no-logo", cwd=copy)
    assert report.returncode == 1, report.stdout + report.stderr
    return report.stdout


def only_python(folder: str, names: list[str]) -> set[str]:
    """Leave out whatever is neither a package nor a module."""
    return {
        name
        for name in names
        if not name.endswith(".py") and not (Path(folder) / name / "__init__.py").exists()
    }


@pytest.mark.parametrize(("contract", "path", "fault", "told"), FAULTS, ids=lambda value: str(value)[:40])
def test_the_contract_turns_red_when_its_fault_is_planted(
    planted: str, contract: str, path: str, fault: str, told: str
) -> None:
    del path, fault
    name = next(said["name"] for said in contracts() if said["name"].startswith(contract))
    assert f"{name} BROKEN" in planted
    findings = re.split(rf"^{re.escape(name)}\n-+\n", planted, maxsplit=1, flags=re.MULTILINE)[1]
    assert told in re.split(r"\n\n\S[^\n]*\n---+\n", findings, maxsplit=1)[0]


def test_every_contract_has_a_planted_fault_when_it_is_added() -> None:
    without = [
        said["name"]
        for said in contracts()
        if not said["name"].startswith(tuple(fault[0] for fault in FAULTS))
    ]
    assert [] == without


def contracts() -> list[dict[str, str]]:
    """The contracts as pyproject.toml states them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    stated: list[dict[str, str]] = settings["tool"]["importlinter"]["contracts"]
    return stated
