"""The SMS desk on the real parts: who sees what, what staff decide, and nothing personal leaks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import httpx
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from contracts.dossiers import DossierSaved
from contracts.fact import Fact
from contracts.identity import PetitionId, make
from contracts.intake import PetitionRegistered
from contracts.notify import CallTaskDone, ReplyReceived, SmsDecided
from contracts.topics import DOSSIERS, NOTIFY
from services.notify.app import build
from services.notify.gateway import Caps, Sink
from services.notify.sms import Accepted, Delivery, Inbound, Outbound, Receipt, Result, Unknown
from tests.eventually import eventually
from tests.line import Line, token
from tests.notify.journey import START, TOLD, Journey, fact_of
from tests.notify.scripted import Gateway

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

DEADLINE = 30.0
CLERK = {"Authorization": token("clerk", who="clerk-1")}
LEADER = {"Authorization": token("leader", who="leader-1")}
OPERATOR = {"Authorization": token("operator", who="operator-1")}
AUDITOR = {"Authorization": token("auditor", who="auditor-1")}
ROUTER = {"Authorization": token("router", who="router-1")}
LANDLINE = "0731-85551234"
THANKS = "八年了，房子的事终于解决，田家老小谢谢你们龘"
# Numbers that the gateway never answers for end so.
SILENT = "9"


@dataclass
class Post(Gateway):
    """A gateway with receipts and replies that cannot be asked; keeps what it brings them to."""

    caps: Caps = field(
        default_factory=lambda: Caps(batch=10, window=1, query=False, receipts=True, replies=True)
    )
    sink: Sink | None = None
    heard: set[str] = field(default_factory=set)

    async def start(self, sink: Sink) -> Result | None:
        """Be ready."""
        self.sink = sink
        return None

    def answers(self, message: Outbound) -> Result:
        """Take messages; of one to a silent number nobody hears, the first time."""
        if message.to.endswith(SILENT) and message.unique not in self.heard:
            self.heard.add(message.unique)
            return Unknown("no-answer")
        return Accepted(message.reference, 2)


@dataclass
class Office:
    """Notify with its desk, and a gateway that does as it is told."""

    line: Line
    client: httpx.AsyncClient
    post: Post
    logs: list[Any]
    made: Any = field(default_factory=lambda: count(1))

    async def tells(self, phone: str) -> PetitionId:
        """Register a petition of somebody with this number."""
        petition = make(START, next(self.made))
        journey = Journey(petition)
        for fact in (fact_of(DossierSaved, phone=phone, others=None), TOLD[PetitionRegistered]):
            delivery = journey.deliver(fact)
            await self.line.send(delivery.topic, delivery.value or b"", key=petition)
        return petition

    async def answers(self, sender: str, text: str) -> None:
        """Bring a reply as the gateway would."""
        assert self.post.sink is not None
        name = f"in-{next(self.made)}"
        await self.post.sink.inbound(
            [Inbound(gateway="scripted", id=name, sender=sender, text=text, at=START)]
        )

    async def sees(self, path: str, headers: dict[str, str] = CLERK) -> Any:
        """What is shown as JSON."""
        answer = await self.client.get(path, headers=headers)
        assert 200 == answer.status_code, answer.text
        return answer.json()

    async def page(self, path: str = "/desk", headers: dict[str, str] = CLERK) -> str:
        """The page."""
        answer = await self.client.get(path, headers=headers)
        assert 200 == answer.status_code, answer.text
        return answer.text

    async def listed(self, state: str, petition: str) -> dict[str, Any]:
        """Wait until a petition is in a list, and return it as it is there."""

        async def there() -> dict[str, Any]:
            found = (await self.sees(f"/messages?state={state}&limit=500"))["petitions"]
            return next((one for one in found if one["petition_id"] == petition), {})

        return await eventually(there, deadline=DEADLINE)

    async def gone(self, petition: str) -> bool:
        """Whether the first message of a petition has left."""
        answer = await self.client.get(f"/messages/{petition}", headers=CLERK)
        found = answer.json().get("messages", [])
        return ["sent"] == [message["state"] for message in found]

    async def sent(self, phone: str) -> PetitionId:
        """A petition whose first message has left."""
        petition = await self.tells(phone)
        await eventually(partial(self.gone, petition), deadline=DEADLINE)
        return petition

    async def letter(self, text: str, headers: dict[str, str] = CLERK) -> dict[str, Any]:
        """The reply with this text in the list of those to be read."""

        async def there() -> dict[str, Any]:
            found = (await self.sees("/replies?limit=500", headers))["replies"]
            return next((one for one in found if one["text"] == text), {})

        return await eventually(there, deadline=DEADLINE)

    async def stated(self, kind: type[Fact], petition: str) -> list[Any]:
        """The facts of a kind about a petition."""

        async def there() -> list[Any]:
            messages = await self.line.messages(NOTIFY.name)
            return [m.fact for m in messages if m.petition == petition and isinstance(m.fact, kind)]

        return await eventually(there, deadline=DEADLINE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    broker: str, mongo: str, broker_guarantees: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    """One office for all tests of this module; at its end, nothing personal was logged or stated."""
    outbox = tmp_path_factory.mktemp("desk") / "outbox"
    line = Line(broker, mongo, str(outbox), idempotent=broker_guarantees == "kafka")
    await line.provide()
    post = Post()
    post.answer = post.answers
    app, process = build(line.settings("notify", lease=timedelta(seconds=5)), gateway=post)
    with capture_logs() as logs:
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                await eventually(lambda: process.health.started and process.listener.assigned(), deadline=40)
                yield Office(line, client, post, logs)
    said = repr(logs) + repr([r.value for r in await line.records(NOTIFY.name)])
    for personal in ("139716482", "85551234", THANKS, "田家"):
        assert personal not in said


async def test_a_call_is_listed_with_its_reason_and_ends_once_with_what_staff_say(office: Office) -> None:
    petition = await office.tells(LANDLINE)
    entry = await office.listed("call", petition)
    assert ("073****1234", "landline") == (entry["number"], entry["number_fault"])
    assert ("registered", "number-unusable") == (entry["call"]["template"], entry["call"]["reason"])
    assert ["skipped"] == [message["state"] for message in entry["messages"]]
    done = await office.client.post(f"/calls/{petition}", headers=CLERK, json={"outcome": "reached"})
    assert (200, None) == (done.status_code, done.json()["call"])
    again = await office.client.post(f"/calls/{petition}", headers=LEADER, json={"outcome": "reached"})
    assert (409, "no-call-task") == (again.status_code, again.json()["code"])
    assert [("reached", "clerk-1")] == [
        (fact.outcome, fact.by) for fact in await office.stated(CallTaskDone, petition)
    ]


async def test_an_unknown_message_is_sent_again_only_when_somebody_says_so(office: Office) -> None:
    petition = await office.tells("13971648209")
    entry = await office.listed("unknown", petition)
    (message,) = entry["messages"]
    assert (None, None, None) == (message["delivery"], message["cost"], message["next_check"])
    assert ("139****8209", "scripted", "petitioner") == (
        message["number"],
        message["gateway"],
        message["recipient"],
    )
    path = f"/messages/{petition}/{message['message']}/decision"
    assert 1 == sum(one.petition == petition for one in office.post.sent)
    decided = await office.client.post(path, headers=OPERATOR, json={"decision": "send-again"})
    assert 200 == decided.status_code, decided.text
    await eventually(partial(office.gone, petition), deadline=DEADLINE)
    assert 2 == sum(one.petition == petition for one in office.post.sent)
    late = await office.client.post(path, headers=OPERATOR, json={"decision": "sent"})
    assert (409, "message-not-unknown") == (late.status_code, late.json()["code"])
    assert [(False, "operator-1")] == [
        (fact.sent, fact.by) for fact in await office.stated(SmsDecided, petition)
    ]


async def test_an_unknown_message_that_somebody_counts_as_sent_does_not_leave_again(office: Office) -> None:
    petition = await office.tells("13971648219")
    (message,) = (await office.listed("unknown", petition))["messages"]
    path = f"/messages/{petition}/{message['message']}/decision"
    decided = await office.client.post(path, headers=CLERK, json={"decision": "sent"})
    assert ["sent"] == [one["state"] for one in decided.json()["messages"]]
    assert 1 == sum(one.petition == petition for one in office.post.sent)


async def test_what_was_sent_is_shown_with_its_delivery_and_cost_and_without_the_number(
    office: Office,
) -> None:
    petition = await office.sent("13971648201")
    (before,) = (await office.sees(f"/messages/{petition}"))["messages"]
    assert ("pending", 2, 0.09) == (before["delivery"], before["segments"], before["cost"])
    assert office.post.sink is not None
    told = Receipt(
        gateway="scripted",
        delivery=Delivery.FAILED,
        at=START,
        reference=f"{petition}.{before['message']}.1",
        code="EXPIRED",
    )
    await office.post.sink.receipts([told])
    entry = await office.listed("undelivered", petition)
    assert ("failed", "EXPIRED") == (entry["messages"][0]["delivery"], entry["messages"][0]["reason"])
    assert 0.09 == entry["cost"]
    assert "EXPIRED" == (await office.listed("call", petition))["call"]["reason"]
    raw = (await office.client.get(f"/messages/{petition}", headers=AUDITOR)).text
    assert "13971648201" not in raw


async def test_thanks_to_nothing_in_particular_reach_the_leaders_desk_and_a_clerk_may_ask_who_wrote(
    office: Office,
) -> None:
    await office.answers("13971648299", THANKS)
    letter = await office.letter(THANKS, LEADER)
    assert (None, "139****8299", "unclear") == (letter["petition_id"], letter["sender"], letter["kind"])
    assert THANKS in await office.page(headers=LEADER)
    path = f"/replies/{letter['reply']}"
    for headers in (LEADER, OPERATOR, AUDITOR):
        assert 403 == (await office.client.get(f"{path}/sender", headers=headers)).status_code
    number = await office.sees(f"{path}/sender")
    assert {"reply": letter["reply"], "number": "13971648299"} == number
    read = await office.client.post(f"{path}/read", headers=LEADER)
    assert (200, "read", "leader-1") == (read.status_code, read.json()["state"], read.json()["read_by"])
    again = await office.client.post(f"{path}/read", headers=CLERK)
    assert "leader-1" == again.json()["read_by"]
    assert letter["reply"] in {one["reply"] for one in (await office.sees("/replies?state=read"))["replies"]}
    assert THANKS not in await office.page(headers=LEADER)


async def test_a_reply_to_a_petition_is_shown_there_and_its_sender_stands_in_the_dossier(
    office: Office,
) -> None:
    petition = await office.sent("13971648202")
    await office.answers("+86 139 7164 8202", "请问什么时候有结果？")
    letter = await office.letter("请问什么时候有结果？")
    assert petition == letter["petition_id"]
    assert [letter] == (await office.sees(f"/messages/{petition}/replies"))["replies"]
    asked = await office.client.get(f"/replies/{letter['reply']}/sender", headers=CLERK)
    assert (409, "reply-has-petition") == (asked.status_code, asked.json()["code"])
    await office.answers("13971648202", "TD")

    async def opted_out() -> bool:
        return len((await office.sees(f"/messages/{petition}/replies"))["replies"]) == 2

    await eventually(opted_out, deadline=DEADLINE)
    newest = (await office.sees(f"/messages/{petition}/replies"))["replies"][0]
    assert ("opt-out", "done") == (newest["kind"], newest["state"])
    acted = await office.client.post(f"/replies/{newest['reply']}/read", headers=CLERK)
    assert (409, "reply-not-waiting") == (acted.status_code, acted.json()["code"])


async def test_the_words_of_somebody_who_was_erased_go_too(office: Office) -> None:
    petition = await office.sent("13971648203")
    await office.answers("13971648203", f"我姓田，{THANKS}")
    letter = await office.letter(f"我姓田，{THANKS}")
    assert petition == letter["petition_id"]
    await office.line.send(DOSSIERS.name, None, key=petition)  # type: ignore[arg-type] # a tombstone

    async def forgotten() -> bool:
        (found,) = (await office.sees(f"/messages/{petition}/replies"))["replies"]
        return ("erased", "", "") == (found["state"], found["text"], found["sender"])

    await eventually(forgotten, deadline=DEADLINE)
    assert letter["reply"] not in {one["reply"] for one in (await office.sees("/replies"))["replies"]}
    assert {1} == {said["count"] for said in office.logs if said["event"] == "replies_erased"}
    facts = await office.stated(ReplyReceived, petition)
    assert [letter["reply"]] == [fact.reply for fact in facts]


async def test_the_gateways_are_shown_with_what_today_cost(office: Office) -> None:
    await office.sent("13971648204")

    async def counted() -> dict[str, Any]:
        (found,) = (await office.sees("/gateways", AUDITOR))["gateways"]
        assert found["segments"] > 0
        return dict(found)

    found = await eventually(counted, deadline=DEADLINE)
    assert ("scripted", True, None, 1.0) == (
        found["gateway"],
        found["usable"],
        found["trouble"],
        found["share"],
    )
    assert found["segments"] == 2 * found["accepted"]
    assert round(0.045 * found["segments"], 4) == found["cost"]


async def test_the_list_of_replies_goes_on_where_it_ended(office: Office) -> None:
    for number in range(5):
        await office.answers("13971648298", f"第{number}条")
    whole = [one["reply"] for one in (await office.sees("/replies"))["replies"]]
    paged: list[str] = []
    after = ""
    while True:
        page = await office.sees(f"/replies?limit=2&after={after}")
        paged += [one["reply"] for one in page["replies"]]
        after = page["next"]
        if not after:
            break
    assert whole == paged
    wrong = await office.client.get("/replies?after=nonsense", headers=CLERK)
    assert (422, "after") == (wrong.status_code, wrong.json()["errors"][0]["field"])


async def test_the_page_says_what_needs_somebody_first_and_its_forms_work_without_scripts(
    office: Office,
) -> None:
    called, unknown = await office.tells(LANDLINE), await office.tells("13971648229")
    await office.listed("call", called)
    (message,) = (await office.listed("unknown", unknown))["messages"]
    await office.answers("13971648297", "<b>谢谢</b>")
    letter = await office.letter("<b>谢谢</b>")
    page = await office.page()
    assert "登记的是座机，收不到短信" in page
    assert "对方会收到两条同样的短信" in page
    assert "&lt;b&gt;谢谢&lt;/b&gt;" in page
    assert "<script" not in page
    assert not re.search(r"(?<![0-9a-f])1[3-9][0-9]{9}(?![0-9a-f])", page)
    for path, fields in (
        (f"/desk/calls/{called}", {"outcome": "other-way"}),
        (f"/desk/messages/{unknown}/{message['message']}", {"decision": "sent"}),
        (f"/desk/replies/{letter['reply']}/read", {}),
    ):
        if fields:
            empty = await office.client.post(path, headers=CLERK, data={"nothing": "1"})
            assert (422, True) == (empty.status_code, "请先选择一项" in empty.text)
        foreign = await office.client.post(
            path, headers={**CLERK, "Sec-Fetch-Site": "cross-site"}, data=fields
        )
        assert (403, True) == (foreign.status_code, "请在本系统的页面上操作" in foreign.text)
        done = await office.client.post(path, headers=CLERK, data=fields)
        assert 303 == done.status_code, done.text
        assert done.headers["location"].startswith("/desk?done=")
    after = await office.page("/desk")
    assert called not in after
    assert unknown not in after
    late = await office.client.post(f"/desk/calls/{called}", headers=CLERK, data={"outcome": "reached"})
    assert (409, True) == (late.status_code, "可能已由其他同事登记" in late.text)


async def test_the_page_shows_a_number_once_to_the_clerk_who_asks(office: Office) -> None:
    await office.answers("13971648296", "请回电")
    letter = await office.letter("请回电")
    path = f"/desk/replies/{letter['reply']}/sender"
    shown = await office.client.post(path, headers=CLERK)
    assert (200, True) == (shown.status_code, "13971648296" in shown.text)
    assert "no-store" == shown.headers["cache-control"]
    assert "13971648296" not in await office.page()
    assert 403 == (await office.client.post(path, headers=LEADER)).status_code
    none = await office.client.post("/desk/replies/none/sender", headers=CLERK)
    assert (404, True) == (none.status_code, "没有这条回复" in none.text)


async def test_the_page_finds_the_messages_of_one_petition(office: Office) -> None:
    petition = await office.sent("13971648205")
    page = await office.page(f"/desk?petition={petition.lower()}")
    assert "共 1 条短信" in page
    assert "139****8205" in page
    assert "等待回执" in page
    assert "0.090 元" in page
    nobody = await office.client.get("/desk?petition=nonsense", headers=CLERK)
    assert (404, True) == (nobody.status_code, "请核对受理编号" in nobody.text)


async def test_an_auditor_sees_no_words_and_no_forms(office: Office) -> None:
    await office.tells(LANDLINE)
    await office.answers("13971648295", "审计员不应看到")
    await office.letter("审计员不应看到")
    page = await office.page(headers=AUDITOR)
    assert "审计员不应看到" not in page
    assert 'method="post"' not in page
    assert "待阅读" not in page


NOBODY: dict[str, str] = {}
EVERYBODY = (CLERK, OPERATOR, LEADER, AUDITOR)
ONE = make(START, 999_999)
MAY: dict[tuple[str, str], tuple[dict[str, str], ...]] = {
    ("GET", f"/messages/{ONE}"): EVERYBODY,
    ("GET", "/messages?state=call"): EVERYBODY,
    ("GET", "/gateways"): EVERYBODY,
    ("GET", "/desk"): EVERYBODY,
    ("GET", "/replies"): (CLERK, OPERATOR, LEADER),
    ("GET", f"/messages/{ONE}/replies"): (CLERK, OPERATOR, LEADER),
    ("POST", "/replies/none/read"): (CLERK, OPERATOR, LEADER),
    ("POST", "/desk/replies/none/read"): (CLERK, OPERATOR, LEADER),
    ("POST", f"/calls/{ONE}"): (CLERK, OPERATOR, LEADER),
    ("POST", f"/desk/calls/{ONE}"): (CLERK, OPERATOR, LEADER),
    ("POST", f"/messages/{ONE}/registered.1/decision"): (CLERK, OPERATOR),
    ("POST", f"/desk/messages/{ONE}/registered.1"): (CLERK, OPERATOR),
    ("GET", "/replies/none/sender"): (CLERK,),
    ("POST", "/desk/replies/none/sender"): (CLERK,),
}


@pytest.mark.parametrize(("method", "path"), MAY)
async def test_only_those_whose_work_it_is_are_let_in(office: Office, method: str, path: str) -> None:
    let_in = MAY[method, path]
    for headers in (*EVERYBODY, ROUTER, NOBODY):
        answer = await office.client.request(method, path, headers=headers)
        expected = {200, 404, 409, 422} if headers in let_in else {403 if headers else 401}
        assert answer.status_code in expected, (headers, answer.text)
        if path.startswith("/desk") and headers not in let_in:
            assert answer.headers["content-type"].startswith("text/html")
            assert "回到短信工作台" in answer.text


async def test_every_refusal_of_the_desk_is_described(office: Office) -> None:
    described = (await office.client.get("/openapi.json")).json()["paths"]
    ours = {
        path: verbs
        for path, verbs in described.items()
        if path.startswith(("/messages", "/calls", "/replies", "/gateways"))
    }
    assert 9 == sum(len(verbs) for verbs in ours.values())
    for path, verbs in ours.items():
        for verb, operation in verbs.items():
            lacking = {"401", "403", "422", "503"} - set(operation["responses"])
            assert set() == lacking, (verb, path)
            if verb == "post":
                assert {"404", "409"} <= set(operation["responses"]), path
