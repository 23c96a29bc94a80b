"""Trace context goes from the first request through all services; spans reach a collector if one is named."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from local.ports import free
from tests.broker.test_intake_line import PETITION
from tests.broker.test_killed import submit
from tests.eventually import eventually
from tests.line import Line

pytestmark = pytest.mark.real

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """An OTLP collector that keeps the bodies it is sent."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_the_context_of_the_request_is_in_every_fact_that_it_leads_to(line: Line) -> None:
    async with (
        line.running("intake") as (_, client),
        line.running("routing"),
        line.running("mediation"),
        line.running("notify"),
    ):
        answer = await client.post("/petitions", json=PETITION, headers={"traceparent": TRACEPARENT})
        assert 201 == answer.status_code
        # Four messages, each queued and sent: the last are stated after the gateway's answer.
        for name, count in (("intake", 2), ("routing", 1), ("mediation", 1), ("notify", 8)):
            messages = await line.messages(f"petition-{name}-v1", at_least=count)
            assert {TRACE} == {(m.envelope.traceparent or "").split("-")[1] for m in messages}


async def test_spans_reach_the_collector_that_the_environment_names(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free()
    with collector() as (address, bodies):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        async with (
            line.spawned("intake", port=port),
            line.spawned("routing"),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
        ):
            await submit(client, "traced")
            await eventually(lambda: any(b"submit" in body for body in bodies), deadline=30)
            await eventually(lambda: any(b"PetitionAccepted" in body for body in bodies), deadline=30)
    assert not any(PETITION["title"].encode() in body for body in bodies)  # type: ignore[attr-defined] # Kafka's records are untyped
