"""docker-compose.yml, .env.example and the Dockerfiles, read as text: what holds before anything is built."""

import re
from importlib import import_module
from typing import Any, Final

import pytest
import yaml
from pydantic_settings import BaseSettings

from contracts.topics import SERVICES
from tests.containers.lab import ROOT, SECRETS

COMPOSE: Final = (ROOT / "docker-compose.yml").read_text("utf-8")
COMPOSED: Final[dict[str, Any]] = yaml.safe_load(COMPOSE)
EXAMPLE: Final = (ROOT / ".env.example").read_text("utf-8")
# Read by docker-compose itself.
OF_COMPOSE: Final = {"COMPOSE_PROJECT_NAME"}
CONTAINERS: Final = ("kafka", "mongo", "topics", *SERVICES)


def settings_of(service: str) -> type[BaseSettings]:
    found: type[BaseSettings] = import_module(f"services.{service}.settings").Settings
    return found


def dockerfile(service: str) -> str:
    return (ROOT / "services" / service / "Dockerfile").read_text("utf-8")


def test_every_variable_is_explained_and_every_explained_one_is_used() -> None:
    used = set(re.findall(r"\$\{(\w+)", COMPOSE))
    explained = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", EXAMPLE, re.MULTILINE))
    assert used | OF_COMPOSE == explained


def test_secrets_have_no_value_in_the_example_and_no_default_in_the_composition() -> None:
    assert set(SECRETS) == set(re.findall(r"^([A-Z][A-Z0-9_]*)=$", EXAMPLE, re.MULTILINE))
    for name, rest in re.findall(r"\$\{(\w+)([^}]*)\}", COMPOSE):
        if name in SECRETS:
            assert rest.startswith(f":?{name} is missing in .env, ")


def test_defaults_in_the_example_are_those_of_the_composition() -> None:
    stated = dict(re.findall(r"^#([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE, re.MULTILINE))
    for name, default in re.findall(r"\$\{(\w+):-([^}]*)\}", COMPOSE):
        assert (name, default) == (name, stated[name])


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_has_limits_and_no_privileges(name: str) -> None:
    described = COMPOSED["services"][name]
    assert ["ALL"] == described["cap_drop"]
    assert ["no-new-privileges:true"] == described["security_opt"]
    assert {"cpus", "mem_limit", "pids_limit"} <= described.keys()
    assert (name != "kafka") == described.get("read_only", False)
    assert ("no" if name == "topics" else "unless-stopped") == described["restart"]


@pytest.mark.parametrize("name", ["kafka", "mongo"])
def test_broker_and_database_are_pinned_kept_and_reached_from_inside_only(name: str) -> None:
    described = COMPOSED["services"][name]
    assert re.search(r":\d+\.\d+\.\d+\}$", described["image"])
    assert "ports" not in described
    assert ["data"] == described["networks"]
    assert COMPOSED["networks"]["data"]["internal"]
    assert any(str(volume).startswith(f"{name}-data:") for volume in described["volumes"])
    assert described["healthcheck"]["test"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_reached_from_this_machine_alone_unless_said_otherwise(service: str) -> None:
    (port,) = COMPOSED["services"][service]["ports"]
    number = 8001 + SERVICES.index(service)
    assert f"${{HOST_ADDRESS:-127.0.0.1}}:${{{service.upper()}_PUBLISHED_PORT:-{number}}}:{number}" == port


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_gets_the_variables_that_it_reads(service: str) -> None:
    prefix = f"{service.upper()}_"
    fields = settings_of(service).model_fields
    known = {prefix + name.upper() for name in fields}
    required = {prefix + name.upper() for name, field in fields.items() if field.is_required()}
    given = {name for name in COMPOSED["services"][service]["environment"] if name.startswith(prefix)}
    built_in = set(re.findall(rf"^(?:ENV|   ) ({prefix}\w+)=", dockerfile(service), re.MULTILINE))
    assert given <= known
    assert required <= given | built_in


def test_the_dockerfiles_differ_in_names_only() -> None:
    def common(service: str) -> list[str]:
        number = str(8001 + SERVICES.index(service))
        text = (
            dockerfile(service).replace(service.upper(), "NAME").replace(service, "name").replace(number, "0")
        )
        own = ("/var/lib/name", "NAME_OUTBOX", "# A new named volume", "image.description")
        return [line for line in text.splitlines() if not any(word in line for word in own)]

    for service in SERVICES[1:]:
        assert common(SERVICES[0]) == common(service)


def test_only_what_goes_into_an_image_is_sent_to_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    assert "*" == rules[0]
    assert ["!requirements.lock", "!contracts", "!runtime", "!services"] == [r for r in rules if r[0] == "!"]
