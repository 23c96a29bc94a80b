"""The short form of `make fuzz` for what runs: the services on the real parts, from one seed."""

from __future__ import annotations

import json
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from local import ports, services, topics
from local.secrets import Secrets
from local.services import Surroundings
from tests.fuzz import balance, interface
from tests.fuzz.__main__ import UNLIMITED
from tests.fuzz.forms import Pages
from tests.fuzz.rounds import one_round

SEED = 20260101
SECRETS = Secrets(staff_key="k" * 40, code_secret="c" * 40)
EACH = 4.0
FEWEST = 10


def around(broker: str, mongo: str, outbox: Path, *, idempotent: bool) -> Surroundings:
    """Topics, databases and ports of this test alone."""
    name = f"z{secrets.token_hex(4)}-"
    return Surroundings(
        bootstrap=broker,
        mongo=mongo,
        secrets=SECRETS,
        ports={service: ports.free() for service in services.NAMES},
        outbox=outbox,
        idempotent=idempotent,
        topic_prefix=name,
        database_prefix=name,
    )


@pytest.mark.real
def test_the_services_answer_as_described_and_keep_what_they_said_alone(
    broker: str, mongo: str, broker_guarantees: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in UNLIMITED.items():
        monkeypatch.setenv(variable, value)
    place = around(broker, mongo, tmp_path / "sms.jsonl", idempotent=broker_guarantees == "kafka")
    for service in services.NAMES:
        monkeypatch.setenv(f"{service.upper()}_GROUP", f"{place.topic_prefix}{service}")
    topics.create(place.bootstrap, prefix=place.topic_prefix, wait=60)
    answers: Counter[tuple[str, str, int]] = Counter()
    with services.running(place, tmp_path / "logs"):
        with httpx.Client(base_url=place.url("intake"), timeout=30) as client:
            failure, _ = one_round(Pages(client, answers).target(), SEED, 60)
        assert not failure
        for name in services.NAMES:
            gone, _ = interface.tried(name, place, SEED, EACH, others=["nobody"])
            assert not gone.failures
            assert gone.requests > FEWEST
            answers += gone.answers
        assert not balance.differences(place, answers)
        answers.clear()
        assert balance.differences(place, answers), "the balance is blind"


# Each path has a fault of its own: what it answers instead of the list that is described, and who sees it.
FAULTS: dict[str, tuple[int, str, bytes, str]] = {
    "/error": (500, "application/problem+json", b"{}", "not_a_server_error"),
    "/status": (418, "application/problem+json", b"{}", "status_code_conformance"),
    "/kind": (200, "text/plain", b"[]", "content_type_conformance"),
    "/shape": (200, "application/json", b"{}", "response_schema_conformance"),
    "/wordless": (404, "text/plain", b"no", "refusal_says_what_to_do"),
    "/header": (200, "application/json", b"[]", "headers_are_described"),
}
A_LIST = {"200": {"description": "", "content": {"application/json": {"schema": {"type": "array"}}}}}
DESCRIPTION = {
    "openapi": "3.1.0",
    "info": {"title": "planted", "version": "1"},
    "paths": {path: {"get": {"responses": A_LIST}} for path in FAULTS},
}


class Planted(BaseHTTPRequestHandler):
    """Describes lists and answers otherwise."""

    def do_GET(self) -> None:
        """Answer the description, or the planted fault."""
        own = (200, "application/json", json.dumps(DESCRIPTION).encode(), "")
        status, kind, body, _ = FAULTS.get(self.path, own)
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def planted() -> Iterator[int]:
    """The port of a server with faults."""
    with ThreadingHTTPServer((ports.HOST, 0), Planted) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_service_that_answers_otherwise_than_described_is_found(planted: int) -> None:
    place = Surroundings("x:1", "mongodb://x", SECRETS, {"mediation": planted}, Path("unused"))
    gone, _ = interface.tried("mediation", place, SEED, EACH, others=["nobody"])
    found = {tuple(where.split(": ")[:2]) for where in gone.failures}
    assert {(f"GET {path}", check) for path, (*_, check) in FAULTS.items()} <= found
