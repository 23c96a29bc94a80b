"""The HTTP interface of a service against its own description: what it answers to anybody is what it says.

Schemathesis makes requests from the description (right ones, and each wrong in some way) and goes on with the
ids that it is given. What it sends depends on the seed; how far it comes in its time, on the machine.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import schemathesis
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from local.services import Surroundings
from local.tokens import ROLES, mint

# Who may do most at each service, and so comes furthest.
AT_HOME = {"intake": "leader", "routing": "router", "mediation": "leader", "notify": "operator"}
REFUSED = 400
BUSY = {429, 503}
# Of every answer there is; what else stands in one is described for that answer.
USUAL = {"date", "content-type", "content-length", "transfer-encoding", "cache-control"}
# Valid as far as a description can say, and refused in words all the same: a key that was used for another
# matter, a page's key that is none of ours, a text that is empty to the eye or too long once it is composed.
TOLD_IN_WORDS = {"after", "title", "content", "petitioner.name", "petitioner.phone"}


@dataclass
class Gone:
    """What a service was asked and answered; `failures` has the first case by operation and check."""

    answers: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """How many requests were answered."""
        return sum(self.answers.values())

    def took(self, recorder: ScenarioRecorder) -> None:
        """Note what a group of cases brought."""
        for case_id, checks in recorder.checks.items():
            for check in checks:
                if check.failure_info is None:
                    continue
                said = check.failure_info
                where = f"{recorder.label}: {check.name}: {said.failure.message[:300]}"
                sent = recorder.interactions.get(case_id)
                answered = sent.response.text[:300] if sent and sent.response else ""
                self.failures.setdefault(where, f"{said.code_sample} -> {answered}")


def tokens(around: Surroundings) -> Iterator[tuple[str, str]]:
    """Every kind of visitor, as (who, Authorization header)."""
    key = around.secrets.staff_key
    yield "nobody", ""
    yield "expired", f"Bearer {mint(key, role='leader', lasting=timedelta(hours=-1))}"
    yield "forged", f"Bearer {mint('x' * 40, role='leader')}"
    yield "body", f"Bearer {mint(key, role='mediator', body='labor')}"
    yield "unit", f"Bearer {mint(key, role='clerk', unit='office-1', who='clerk-1')}"
    for role in ROLES:
        yield role, f"Bearer {mint(key, role=role)}"


def tried(
    name: str, around: Surroundings, first_seed: int, budget: float, others: Collection[str] = ()
) -> tuple[Gone, float]:
    """Try one service for about `budget` seconds: half of it by who may do most, half by everybody else.

    `others` names whom to take of these. Nobody gets less than a second.
    """
    began = time.monotonic()
    gone = Gone()
    visitors = dict(tokens(around))
    home = visitors.pop(AT_HOME[name])
    visitors = {who: header for who, header in visitors.items() if not others or who in others}
    _visit(gone, name, around, home, first_seed, budget / 2)
    for number, header in enumerate(visitors.values(), start=1):
        _visit(gone, name, around, header, first_seed + number, budget / 2 / len(visitors))
    return gone, time.monotonic() - began


def _visit(gone: Gone, name: str, around: Surroundings, token: str, its_seed: int, budget: float) -> None:
    config = schemathesis.Config.from_dict(
        {
            "seed": its_seed,
            "max-time": max(1, round(budget)),
            "continue-on-failure": True,
            "headers": {"Authorization": token} if token else {},
            "generation": {"database": "none", "max-examples": 15},
            "phases": {"stateful": {"enabled": False}},
        }
    )
    try:
        schema = schemathesis.openapi.from_url(f"{around.url(name)}/openapi.json", config=config)
    except schemathesis.errors.LoaderError as error:
        gone.failures.setdefault("it does not answer any more", str(error)[:500])
        return

    @schema.hook
    def after_call(_context: Any, case: Any, response: Any) -> None:
        gone.answers[case.method, case.operation.path, response.status_code] += 1

    @schema.hook
    def filter_failure(_context: Any, failure: Any, _case: Any, response: Any) -> bool:
        return not _is_no_fault(failure, response)

    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            gone.took(event.recorder)
        elif isinstance(event, events.NonFatalError):
            gone.failures.setdefault(f"{event.label}: {type(event.value).__name__}", str(event.value)[:500])
        elif isinstance(event, events.FatalError):
            raise event.exception


def _is_no_fault(failure: Any, response: Any) -> bool:
    if response.status_code in BUSY:
        return "retry-after" in response.headers and type(failure).__name__ == "ServerError"
    if type(failure).__name__ != "RejectedPositiveData" or response.status_code != 422:
        return False
    problem = response.json()
    fields = {error["field"] for error in problem.get("errors", ())}
    return problem["code"] == "key-reused" or bool(fields and fields <= TOLD_IN_WORDS)


@schemathesis.check
def refusal_says_what_to_do(_context: Any, response: Any, _case: Any) -> None:
    """Whatever is refused is answered in one form, in words, and says when or how else to ask."""
    if response.status_code < REFUSED:
        return
    kind = response.headers.get("content-type", [""])[0]
    assert kind.startswith(("application/problem+json", "text/html")), f"refused as {kind}"
    if kind.startswith("application/problem+json"):
        problem = response.json()
        assert problem.get("status") == response.status_code, "the problem tells another status"
        assert problem.get("title"), "no title"
        assert problem.get("detail"), "no word on what to do"
        assert problem.get("code") != "invalid-input" or problem.get("errors"), "no field is named"
    assert response.status_code not in BUSY or "retry-after" in response.headers, "no Retry-After"
    assert response.status_code != httpx.codes.METHOD_NOT_ALLOWED or "allow" in response.headers, "no Allow"


@schemathesis.check
def headers_are_described(_context: Any, response: Any, case: Any) -> None:
    """No header comes back that nobody was told of, and no answer is kept by a browser or on the way."""
    assert response.headers.get("cache-control") == ["no-store"], "an answer may be kept"
    found = case.operation.responses.find_by_status_code(response.status_code)
    described = {name.lower() for name, _ in found.headers.items()} if found and found.headers else set()
    if response.status_code == httpx.codes.METHOD_NOT_ALLOWED:
        described.add("allow")
    if response.headers.get("content-type", [""])[0].startswith("text/html"):
        described |= {"content-security-policy", "referrer-policy", "x-content-type-options"}
    new = set(response.headers) - USUAL - described
    assert not new, f"not described: {sorted(new)}"
