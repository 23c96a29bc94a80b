"""Any HTTP gateway that a profile describes, as a gateway; Kannel's profile is shipped.

Through such a gateway a message may arrive twice whatever notify does (Kannel repeats after a lost answer of
its line), so the gateway's own words on that count, not ours.
"""

import json
import re
from math import ceil
from typing import Final
from urllib.parse import parse_qsl, urlencode

import structlog
from fastapi import APIRouter, Request, Response

from runtime.clock import Clock
from services.notify import segments
from services.notify.cloud import profile
from services.notify.cloud.callbacks import our_reference, reason
from services.notify.cloud.codes import by_status, named_id
from services.notify.cloud.gateway import CloudGateway
from services.notify.cloud.profile import AnswerRule, Meaning, ReceiptRule, ReplyRule
from services.notify.cloud.settings import HttpSettings
from services.notify.cloud.wire import Answer
from services.notify.sms import (
    Accepted,
    Delivery,
    Down,
    Fault,
    Inbound,
    Misconfigured,
    NotSent,
    Outbound,
    Receipt,
    Refused,
    Result,
    Throttled,
    Unknown,
)

log = structlog.get_logger()

MOST_FIELDS: Final = 50
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_UNESCAPED: Final = re.compile(r"[A-Za-z0-9._~-]+")
_FORM: Final = "application/x-www-form-urlencoded"
_REFUSALS: Final = {
    Meaning.REFUSED_NUMBER: Fault.NUMBER,
    Meaning.REFUSED_BLACKLIST: Fault.BLACKLIST,
    Meaning.REFUSED_CONTENT: Fault.CONTENT,
    Meaning.REFUSED_PARAMETER: Fault.PARAMETER,
}


class Http(CloudGateway):
    """The gateway; its name is the profile's."""

    def __init__(self, settings: HttpSettings, clock: Clock) -> None:
        self._settings, self._profile = settings, profile.load(settings.profile)
        super().__init__(
            self._profile.name,
            settings,
            clock,
            query=False,
            receipts=self._profile.receipt is not None and bool(settings.callback_url),
            replies=self._profile.reply is not None,
        )

    async def _send(self, message: Outbound) -> Result:
        if not _E164.fullmatch(message.to):
            return Refused(f"{self.name}.number", Fault.NUMBER)
        signed = f"【{message.sign}】{message.text}"
        count = segments.count(signed)
        if count > self._profile.most_segments:
            return Refused(f"{self.name}.too-long", Fault.CONTENT)
        if not _UNESCAPED.fullmatch(message.reference):
            # It stands in an address within an address, where the gateway has escapes of its own.
            return Refused(f"{self.name}.reference", Fault.PARAMETER)
        answer = await self._request(message, signed)
        return self._judged(message, count, answer) if isinstance(answer, Answer) else answer

    async def _request(self, message: Outbound, signed: str) -> Answer | NotSent | Down | Unknown:
        how, values = self._profile, self._values(message, signed)
        query = urlencode(profile.filled(how.query, values))
        headers = {"host": self._line.host, **profile.filled(how.headers, values)}
        content = b""
        if how.form:
            content = urlencode(profile.filled(how.form, values)).encode()
            headers["content-type"] = _FORM
        elif how.json_body:
            content = json.dumps(profile.filled(how.json_body, values), ensure_ascii=False).encode()
            headers["content-type"] = "application/json"
        return await self._line.ask(
            how.method,
            f"{how.path}?{query}" if query else how.path,
            headers=headers,
            content=content,
            lease_until=message.lease_until,
        )

    def _values(self, message: Outbound, signed: str) -> dict[str, str]:
        settings = self._settings
        minutes = ""
        if message.valid_until is not None:
            left = (message.valid_until - self._clock.now()).total_seconds()
            minutes = str(max(1, ceil(left / 60)))
        return {
            "username": settings.username,
            "password": settings.password.get_secret_value(),
            "channel": settings.channel,
            "number": message.to,
            "national": message.to.removeprefix("+86").removeprefix("+"),
            "text": message.text,
            "signed": signed,
            "sign": message.sign,
            "reference": message.reference,
            "sender": settings.sender,
            "extension": message.extension if settings.sender and settings.extension else "",
            "valid_minutes": minutes,
            "receipt_url": self._receipt_url(message.reference),
        }

    def _receipt_url(self, reference: str) -> str:
        rule, base = self._profile.receipt, self._settings.callback_url.rstrip("/")
        if rule is None or not base:
            return ""
        secret = self._settings.callback_secret.get_secret_value()
        own = f"{base}/{self.name}/{secret}/receipt?{rule.reference}={reference}"
        return f"{own}&{rule.asks}" if rule.asks else own

    def _judged(self, message: Outbound, count: int, answer: Answer) -> Result:
        body = answer.body[:2000].decode("utf-8", "replace")
        for rule in self._profile.answer:
            found = re.match(rule.body, body, re.DOTALL) if rule.status == answer.status else None
            if found is None:
                continue
            if rule.meaning is Meaning.ACCEPTED:
                given = named_id(found.groupdict().get("id") or "")
                return Accepted(message.reference, count, (given,) if given else ())
            return self._meant(rule)
        log.warning("gateway_answer_unlisted", gateway=self.name, detail=str(answer.status))
        return by_status(self.name, answer.status)

    def _meant(self, rule: AnswerRule) -> Result:
        code = f"{self.name}.{rule.code}"
        if rule.meaning in _REFUSALS:
            return Refused(code, _REFUSALS[rule.meaning])
        if rule.meaning is Meaning.THROTTLED:
            return Throttled(rule.retry_after)
        if rule.meaning is Meaning.MISCONFIGURED:
            return Misconfigured(code)
        return Down(code) if rule.meaning is Meaning.DOWN else NotSent(code)

    def routes(self) -> APIRouter:
        """Return what the gateway is told to call: `…/receipt` (by notify itself) and `…/reply`."""
        router = APIRouter(include_in_schema=False)
        receipt, reply = self._profile.receipt, self._profile.reply
        if receipt is not None:

            @router.api_route(f"/{self.name}/{{secret}}/receipt", methods=["GET", "POST"])
            async def on_receipt(secret: str, request: Request) -> Response:
                said = await self._parameters(request, secret)
                if one := self._receipt(receipt, said):
                    await self._door.receipts([one])
                return Response(status_code=200)

        if reply is not None:

            @router.api_route(f"/{self.name}/{{secret}}/reply", methods=["GET", "POST"])
            async def on_reply(secret: str, request: Request) -> Response:
                said = await self._parameters(request, secret)
                await self._door.inbound([self._inbound(reply, said)])
                # Kannel sends what stands in this answer to the telephone: nothing.
                return Response(status_code=200)

        return router

    async def _parameters(self, request: Request, secret: str) -> dict[str, str]:
        """Return the parameters of the address, then those of a form; the first of a name counts."""
        body = await self._door.body(request, secret)
        written = [request.scope["query_string"]]
        if request.headers.get("content-type", "").startswith(_FORM):
            written.append(body)
        said: dict[str, str] = {}
        try:
            for part in written:
                fields = parse_qsl(
                    part.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
                )
                for name, value in fields:
                    said.setdefault(name, value)
        except ValueError:
            self._door.malformed("query")
        return said

    def _receipt(self, rule: ReceiptRule, said: dict[str, str]) -> Receipt | None:
        state = said.get(rule.state, "")
        if not state:
            self._door.malformed(rule.state)
        own, given = our_reference(said.get(rule.reference)), named_id(said.get(rule.id, ""))
        if not own and not given:
            return None
        found = re.match(rule.code_is, said.get(rule.code, ""))
        code = reason(found[1]) if found and found[1] else f"state-{reason(state)}"[:60]
        return Receipt(
            gateway=self.name,
            delivery=rule.states.get(state, Delivery.PENDING),
            at=self._door.at(said.get(rule.at, "")),
            id=given,
            reference=own,
            to=said.get(rule.to, ""),
            code=code,
        )

    def _inbound(self, rule: ReplyRule, said: dict[str, str]) -> Inbound:
        for name in (rule.id, rule.sender, rule.text):
            if name not in said:
                self._door.malformed(name)
        return Inbound(
            gateway=self.name,
            id=named_id(said[rule.id]),
            sender=said[rule.sender].strip(),
            text=said[rule.text],
            at=self._door.at(said.get(rule.at, "")),
            extension=self._door.extension(said.get(rule.to, "").strip()),
        )
