"""What a developer at an agency reads in a service's interface description, before he has sent anything."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # the library has no types

from local.services import NAMES
from runtime import problems
from tests.line import Line

UNTOLD = {"POST /petitions"}  # open to everybody; staff may show a token


def described(service: str) -> dict[str, Any]:
    """A service's description; it is made without a broker or a database."""
    app, _ = import_module(f"services.{service}.app").build(Line("x:1", "mongodb://x", "x").settings(service))
    found: dict[str, Any] = app.openapi()
    return found


def operations(service: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation with its name."""
    for path, methods in described(service)["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


@pytest.mark.parametrize("service", NAMES)
def test_every_refusal_is_described_in_the_one_form_that_it_has(service: str) -> None:
    for name, operation in operations(service):
        refusals = {code: said for code, said in operation["responses"].items() if code >= "400"}
        assert {"413", "422", "503"} <= refusals.keys(), name
        assert ("requestBody" in operation) <= ("400" in refusals), name
        for code, said in refusals.items():
            assert [problems.MEDIA_TYPE] == list(said["content"]), f"{name} {code}"
            schema = said["content"][problems.MEDIA_TYPE]["schema"]
            assert {"const": int(code), "type": "integer"} == schema["properties"]["status"]


@pytest.mark.parametrize("service", NAMES)
def test_where_a_token_is_asked_for_the_description_says_so(service: str) -> None:
    for name, operation in operations(service):
        asked = {"401", "403"} <= operation["responses"].keys()
        assert asked == ("security" in operation), name
        assert "authorization" not in {p["name"] for p in operation.get("parameters", ())}, name
        assert name not in UNTOLD or {} in operation["security"]


@pytest.mark.parametrize("busy", [429, 503])
def test_whoever_must_wait_reads_that_he_will_be_told_how_long(busy: int) -> None:
    assert problems.documented(busy)[busy]["headers"]["Retry-After"]["required"]


def test_a_problem_is_as_it_is_described() -> None:
    problem = problems.Problem(422, "invalid-input", errors=[{"field": "title", "message": "必填，请填写"}])
    (described_422,) = problems.documented(422).values()
    Draft202012Validator(described_422["content"][problems.MEDIA_TYPE]["schema"]).validate(problem.document())


@pytest.mark.parametrize(
    ("service", "schema", "value", "fits"),
    [
        ("routing", "Choice", {"body": "labor"}, True),
        ("routing", "Choice", {"body": None, "office": "discipline-inspection"}, True),
        ("routing", "Choice", {}, False),
        ("routing", "Choice", {"body": None, "office": None}, False),
        ("routing", "Choice", {"body": "labor", "office": "discipline-inspection"}, False),
        ("mediation", "Conclusion", {"outcome": "settled", "agreement": True}, True),
        ("mediation", "Conclusion", {"outcome": "explained"}, True),
        ("mediation", "Conclusion", {"outcome": "explained", "agreement": True}, False),
        ("intake", "Rating", {"score": 5.0}, True),
        ("intake", "Rating", {"score": "5"}, False),
        ("intake", "Rating", {"score": True}, False),
    ],
)
def test_no_description_promises_what_is_refused(
    service: str, schema: str, value: dict[str, Any], fits: bool
) -> None:
    document = described(service)
    its_schema = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    assert fits == Draft202012Validator(its_schema).is_valid(value)
    home = import_module(
        "services.routing.http.triage" if service == "routing" else f"services.{service}.http"
    )
    try:
        getattr(home, schema).model_validate(value)
    except ValueError:
        assert not fits
    else:
        # Whether an agreement suits the outcome is the domain's to say: tests/mediation/test_http.py.
        assert fits or schema == "Conclusion"
