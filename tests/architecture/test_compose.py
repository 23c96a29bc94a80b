"""docker-compose.yml: each service's database URL names its own database and its own user."""

from typing import Any

import pytest
import yaml

from contracts.topics import SERVICES
from tests.architecture.compose_rules import keeps_databases_apart
from tests.architecture.source import ROOT

COMPOSE = ROOT / "docker-compose.yml"


def test_databases_are_apart_when_the_services_are_composed() -> None:
    if not COMPOSE.exists():
        pytest.skip("docker-compose.yml is not there yet")
    assert [] == list(keeps_databases_apart(yaml.safe_load(COMPOSE.read_text("utf-8"))))


def composed(**changed: Any) -> dict[str, Any]:
    services: dict[str, Any] = {
        name: {
            "environment": [
                f"{name.upper()}_DATABASE=mongodb://{name}:${{{name.upper()}_PW:?set it}}@db/{name}"
            ]
        }
        for name in SERVICES
    }
    return {"services": services | changed}


def test_the_gate_stays_green_when_each_has_its_own() -> None:
    assert [] == list(keeps_databases_apart(composed()))


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"NOTIFY_DATABASE": "mongodb://notify:x@db/intake"}, "uses the database 'intake'"),
        ({"NOTIFY_DATABASE": "mongodb://intake:x@db/notify"}, "share the database user intake"),
        ({"NOTIFY_DATABASE": "mongodb://db/notify"}, "no database user of its own"),
        (
            {"NOTIFY_DATABASE": "mongodb://notify:x@db/notify", "INTAKE_CODE_SECRET": "x"},
            "INTAKE_CODE_SECRET",
        ),
        ({}, "uses the database ''"),
    ],
)
def test_the_gate_turns_red_when_a_service_reaches_into_another(
    environment: dict[str, str], told: str
) -> None:
    assert told in " ".join(keeps_databases_apart(composed(notify={"environment": environment})))
