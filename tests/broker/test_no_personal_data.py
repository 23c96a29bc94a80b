"""A marked name, number and text go through all four services; only dossiers, SMS and the sender see them.

Searched are every topic but the dossiers and the dead letters, every line that the services write, every
metric and every error answer. The search itself is shown to find what it must.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from hashlib import md5, sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from aiokafka import ConsumerRecord

from contracts.dossiers import DossierSaved
from contracts.envelope import seal
from contracts.identity import make
from contracts.topics import ALL_TOPICS, DOSSIERS
from runtime.clock import SystemClock
from tests.eventually import eventually
from tests.four import SERVICES, Four, brought_to, submitted
from tests.line import Line, token

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

NAME, NUMBER, TEXT = "标记姓名龘", "13971648205", "标记正文靐齉"
# Somebody beside the petitioner.
SPEAKER, HIS_NUMBER = "标记代表麤", "13971648206"
WAGES = "公司拖欠农民工工资三个月，要求支付劳动报酬，请劳动部门帮助讨薪。"
PETITION = {
    "title": f"公司拖欠工资{TEXT}",
    "content": f"我是{NAME}，电话{NUMBER}。{WAGES}{TEXT}",
    "area": "430102",
    "petitioner": {"name": NAME, "phone": NUMBER},
    "representatives": [{"name": SPEAKER, "phone": HIS_NUMBER}],
    "co_signers": [{"name": SPEAKER, "phone": HIS_NUMBER}],
}
UNCLEAR = {**PETITION, "title": TEXT, "content": f"我是{NAME}，有件事想当面说。{TEXT}"}
MAY_HOLD = {DOSSIERS.name, *(topic.name for topic in ALL_TOPICS if "dead-letters" in topic.name)}
JSON = {"Content-Type": "application/json"}
BROWSER = {"Accept": "text/html"}


def disguises() -> Iterator[bytes]:
    """Every form in which a marker may be written down."""
    for marker in (NAME, NUMBER, TEXT, SPEAKER, HIS_NUMBER):
        yield marker.encode()
        yield json.dumps(marker)[1:-1].encode()  # 中文 as JSON escapes
        yield quote(marker).encode()
        yield repr(marker.encode())[2:-1].encode()  # as Python prints bytes
        yield marker.encode("utf-16-le")
        # A hash without a key is no disguise: all telephone numbers are tried in a minute.
        yield sha256(marker.encode()).hexdigest().encode()
        yield md5(marker.encode()).hexdigest().encode()  # noqa: S324 - searched for, not relied on
    for number in (NUMBER, HIS_NUMBER):
        yield f"{number[:3]} {number[3:7]} {number[7:]}".encode()
        yield f"{number[:3]}-{number[3:7]}-{number[7:]}".encode()


DISGUISES = frozenset(disguises())


def marked(data: bytes) -> bool:
    """Whether any marker stands in the data, in whatever form."""
    return any(disguise.lower() in data.lower() for disguise in DISGUISES)


def bytes_of(record: ConsumerRecord[Any, Any]) -> bytes:
    """All that a record holds: key, value and headers."""
    headers = (part for name, value in record.headers for part in (name.encode(), value))
    return b"\n".join((record.key or b"", record.value or b"", *headers))


def lines(path: Path) -> list[bytes]:
    """The lines of a file that may not be there yet."""
    return path.read_bytes().splitlines() if path.exists() else []


class System(Four):
    """The four services, and every refusal that they gave."""

    def __init__(self, line: Line, folder: Path) -> None:
        super().__init__(line, folder)
        self.errors: list[httpx.Response] = []

    async def refused(self, service: str, method: str, path: str, **request: Any) -> None:
        """Send something that must be refused and keep the answer."""
        answer = await self.clients[service].request(method, path, **request)
        assert answer.status_code >= 400, f"{service} {method} {path[:40]} was not refused"
        self.errors.append(answer)

    async def garbage(self, name: str) -> None:
        """Send bytes that are no HTTP, and read what comes back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.ports[name])
        writer.write(f"{TEXT} /{NAME} {NUMBER}\r\n\r\n".encode())
        await writer.drain()
        assert not marked(await reader.read())
        writer.close()


async def journey(system: System) -> None:
    """From submission through the case to the rating, and through the triage desk."""
    intake, routing, mediation = (system.clients[name] for name in SERVICES[:3])
    petition, opened = await submitted(system, PETITION)
    await brought_to(system, petition, opened, "case-opened")
    labor = {"Authorization": token("mediator", body="labor", who="mediator-7")}
    read = await intake.get(f"/petitions/{petition}/dossier?why=handling", headers=labor)
    assert NAME == read.json()["name"]
    steps: dict[str, dict[str, Any]] = {
        "accept": {},
        "sessions": {"kind": "mediation", "participants": 2, "units": []},
        "conclusion": {"outcome": "settled", "agreement": True},
        "answer": {},
    }
    for step, body in steps.items():
        answer = await mediation.post(f"/cases/{petition}/{step}", json=body, headers=labor)
        assert answer.status_code == 200, answer.text
    await brought_to(system, petition, opened, "answered")
    rated = await intake.post(f"/petitions/{petition}/rating", json={"score": 5}, headers=opened)
    assert rated.status_code == 204
    unclear, opened = await submitted(system, UNCLEAR)
    await brought_to(system, unclear, opened, "in-triage")
    router = {"Authorization": token("router", who="router-1")}
    decided = await routing.post(f"/triage/{unclear}/decision", json={"body": "rural"}, headers=router)
    assert decided.status_code == 200, decided.text
    await brought_to(system, unclear, opened, "case-opened")


async def bad_input(system: System) -> None:
    """Markers wherever somebody may put them, to each service; nothing of it is taken."""
    body = {
        NAME: TEXT,
        NUMBER: NAME,
        "title": TEXT * 100,
        "channel": TEXT,
        "area": NUMBER,
        "signatories": NAME,
    }
    for sent in (
        {"json": body},
        {"content": json.dumps(PETITION)[:-1], "headers": JSON},
        {"json": {**PETITION, "petitioner": {"name": NAME, "phone": NUMBER, NUMBER: TEXT}}},
        {"json": {**PETITION, "content": f"{TEXT}\x00"}},
        {"content": json.dumps(PETITION), "headers": {"Content-Type": "text/plain"}},
        {"json": {**PETITION, "channel": "grid"}, "headers": {"traceparent": NUMBER}},
        {"json": PETITION, "headers": {"Authorization": f"Bearer {NUMBER}"}},
        {"json": PETITION, "headers": {"Idempotency-Key": NUMBER * 30}},
        {"json": {**PETITION, "content": NAME * 400_000}},
    ):
        await system.refused("intake", "POST", "/petitions", **sent)
    same = {"Idempotency-Key": NUMBER, "traceparent": NUMBER, "User-Agent": NUMBER}
    assert 201 == (await system.clients["intake"].post("/petitions", json=PETITION, headers=same)).status_code
    await system.refused("intake", "POST", "/petitions", json=UNCLEAR, headers=same)
    for headers in ({}, BROWSER):
        await system.refused("intake", "GET", f"/petitions/{NUMBER}?code={quote(TEXT)}", headers=headers)
        await system.refused("intake", "GET", f"/petitions/x?code={quote(TEXT) * 99}", headers=headers)
    await system.refused("intake", "POST", "/rate", data={"id": NAME, "code": NUMBER}, headers=BROWSER)
    staff = {name: {"Authorization": token(name, body="labor")} for name in ("mediator", "router", "leader")}
    unknown = make(SystemClock().now(), 1)
    for path in (f"/cases/{unknown}/sessions", f"/cases/{quote(NAME)}/accept"):
        await system.refused("mediation", "POST", path, json=body, headers=staff["mediator"])
    await system.refused("mediation", "GET", f"/cases?body={quote(NAME)}", headers=staff["leader"])
    for petition in (unknown, quote(NAME)):
        path = f"/triage/{petition}/decision"
        await system.refused("routing", "POST", path, json=body | {"body": NAME}, headers=staff["router"])
    await system.refused("routing", "GET", f"/triage?limit={quote(TEXT)}", headers=staff["router"])
    await system.refused("notify", "GET", f"/messages/{quote(NAME)}", headers=staff["leader"])
    await system.refused("notify", "GET", f"/messages?state={quote(TEXT)}", headers=staff["leader"])
    for service in SERVICES:
        for headers in ({}, {"Cookie": f"n={NUMBER}", "Referer": f"http://x/{NUMBER}"}, BROWSER):
            await system.refused(service, "GET", f"/{quote(NAME)}?{quote(TEXT)}={NUMBER}", headers=headers)
        await system.refused(service, "PATCH", "/livez", content=TEXT.encode())
        await system.garbage(service)


async def poison(line: Line) -> None:
    """Dossier messages that no reader can use: broken, wrong inside, at a wrong key, of an unknown kind."""
    now = SystemClock().now()
    petition = make(now, 2)
    dossier = DossierSaved(
        at=now, name=NAME, phone=NUMBER, title=TEXT, content=TEXT, code_salt="5a17", code_hash="0" * 64
    )
    value = seal(dossier, petition=petition, ordinal=1, previous=None, cause=None, traceparent=None)
    await line.send(DOSSIERS.name, value[:-1], value.replace(b'"name"', b'"nome"'), key=petition)
    await line.send(DOSSIERS.name, value, TEXT.encode(), key=NAME)
    await line.send(DOSSIERS.name, value.replace(b"Saved.v1", b"Saved.v9"), key=petition)


async def test_markers_are_found_nowhere_but_in_dossiers_dead_letters_and_the_sms(
    line: Line, tmp_path: Path
) -> None:
    system, outbox = System(line, tmp_path), Path(line.outbox)
    async with system.running():
        await poison(line)
        await journey(system)
        await bad_input(system)

        def all_told() -> bool:
            return any(b'"case-rated"' in sms for sms in lines(outbox))

        await eventually(all_told, deadline=40)
        for name in ("routing", "notify"):  # both read the dossiers, and neither can use four of them
            letters = await line.records(f"{name}-dead-letters-v1", at_least=4)
            assert any(marked(bytes_of(letter)) for letter in letters)
        metrics = {name: (await system.clients[name].get("/metrics")).content for name in SERVICES}
        topics = {
            topic.name: await line.records(topic.name, at_least=0)
            for topic in ALL_TOPICS
            if topic.name not in MAY_HOLD
        }
        dossiers = await line.records(DOSSIERS.name, at_least=3)

    # What the search must find, it finds; where it must find nothing, there is something to search.
    assert any(marked(bytes_of(record)) for record in dossiers)
    assert any(marked(sms) for sms in lines(outbox))
    for name in ("intake", "routing", "mediation", "notify"):
        assert topics[f"petition-{name}-v1"], name
        assert b"bridge_messages" in metrics[name]
        assert len(lines(system.written[name])) >= 2, name

    found = {
        f"{name} {record.partition}:{record.offset}"
        for name, records in topics.items()
        for record in records
        if marked(bytes_of(record))
    }
    found |= {f"metrics of {name}" for name, page in metrics.items() if marked(page)}
    found |= {
        f"log of {name}, line {number}"
        for name, path in system.written.items()
        for number, text in enumerate(lines(path), start=1)
        if marked(text)
    }
    found |= {
        f"{answer.status_code} for {answer.request.method} {answer.request.url.path[:30]}"
        for answer in system.errors
        if marked(answer.content) or marked(str(answer.headers).encode())
    }
    assert set() == found


@pytest.mark.parametrize(
    "planted",
    [
        f'{{"event":"petition_registered","name":"{NAME}"}}'.encode(),
        json.dumps({"detail": TEXT}).encode(),
        f"GET /petitions?name={quote(NAME)}".encode(),
        f"GET /petitions?name={quote(NAME).lower()}".encode(),
        f'bridge_http_requests_total{{route="/{NUMBER}"}} 1.0'.encode(),
        f"number 139-{NUMBER[3:7]}-{NUMBER[7:]} is unusable".encode(),
        f"Invalid body: {TEXT.encode()!r}".encode(),
        sha256(NUMBER.encode()).hexdigest().encode(),
    ],
)
def test_a_marker_is_found_in_whatever_form_it_was_written_down(planted: bytes) -> None:
    assert marked(planted)


def test_other_peoples_data_is_not_taken_for_a_marker() -> None:
    assert not marked("王秀英 13800138000 小区自来水浑浊".encode())
