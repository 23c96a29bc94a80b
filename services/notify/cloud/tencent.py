"""Tencent Cloud SMS as a gateway: one SendSms a message, states pulled for unknown ones, receipts, replies.

HTTP 200 says nothing here: each number has its own code in the answer.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec
import structlog
from fastapi import APIRouter

from runtime.clock import Clock
from services.notify.cloud.callbacks import Word, our_reference, reason, word
from services.notify.cloud.codes import TENCENT, by_status, judged, named_id
from services.notify.cloud.gateway import CloudGateway
from services.notify.cloud.settings import TencentSettings
from services.notify.cloud.signing import Key, tc3
from services.notify.cloud.templates import Filled, Templates
from services.notify.cloud.wire import Answer
from services.notify.sms import (
    Accepted,
    Attempt,
    Delivery,
    Down,
    Found,
    Inbound,
    NotSent,
    Outbound,
    Receipt,
    Result,
    Unknown,
)

log = structlog.get_logger()

NAME: Final = "tencent"
VERSION: Final = "2021-01-11"
# The vendor counts by the template's kind; what is longer it refuses by itself.
LONGEST_VARIABLE: Final = 100
PAGE: Final = 100
MOST_PAGES: Final = 4
BEFORE: Final = timedelta(minutes=5)
OK: Final = "Ok"
DELIVERIES: Final = {"SUCCESS": Delivery.DELIVERED, "FAIL": Delivery.FAILED}


class _Fault(msgspec.Struct):
    Code: str


class _Status(msgspec.Struct):
    Code: str
    SerialNo: str = ""
    Fee: int = 0


class _Pulled(msgspec.Struct):
    SerialNo: str = ""
    ReportStatus: str = ""
    SessionContext: Word = None


class _Response(msgspec.Struct):
    Error: _Fault | None = None
    SendStatusSet: list[_Status] = []
    PullSmsSendStatusSet: list[_Pulled] = []


class _Answered(msgspec.Struct):
    Response: _Response


class _Report(msgspec.Struct):
    """Delivery report (cloud.tencent.com/document/api/382/5807)."""

    report_status: str
    sid: str | int
    mobile: str = ""
    nationcode: Word = None
    user_receive_time: Word = None
    errmsg: Word = None


class _Reply(msgspec.Struct):
    """Reply (cloud.tencent.com/document/api/382/59179); it has no id."""

    mobile: str
    text: str
    time: Word = None
    nationcode: Word = None
    extend: Word = None
    sign: Word = None


_ANSWER: Final = msgspec.json.Decoder(_Answered)
_REPORTS: Final = msgspec.json.Decoder(list[_Report] | _Report)
_REPLIES: Final = msgspec.json.Decoder(list[_Reply] | _Reply)
TAKEN: Final = b'{"result":0,"errmsg":"OK"}'


class Tencent(CloudGateway):
    """The gateway."""

    def __init__(self, settings: TencentSettings, clock: Clock) -> None:
        super().__init__(NAME, settings, clock, query=True, free_text=False)
        self._settings = settings
        self._key = Key(settings.secret_id, settings.secret_key.get_secret_value())
        self._templates = Templates(NAME, settings.templates, longest=LONGEST_VARIABLE)

    async def _send(self, message: Outbound) -> Result:
        filled = self._templates.fill(message)
        if not isinstance(filled, Filled):
            return filled
        payload: dict[str, Any] = {
            "PhoneNumberSet": [message.to],
            "SmsSdkAppId": self._settings.app_id,
            "SignName": message.sign,
            "TemplateId": filled.code,
            "TemplateParamSet": [value for _, value in filled.variables],
            "SessionContext": message.reference,
        }
        if message.extension and self._settings.extension:
            payload["ExtendCode"] = message.extension
        answer = await self._call("SendSms", payload, message)
        if not isinstance(answer, Answer):
            return answer
        try:
            said = _ANSWER.decode(answer.body).Response
        except msgspec.DecodeError:
            return by_status(NAME, answer.status)
        if said.Error is None and len(said.SendStatusSet) != 1:
            return Unknown(f"{NAME}.no-status")
        status = said.Error or said.SendStatusSet[0]
        if isinstance(status, _Fault) or status.Code != OK:
            result = judged(NAME, TENCENT, status.Code)
            if isinstance(result, NotSent):
                log.error("template_refused", gateway=NAME, template=message.template, reason=result.reason)
            return result
        ids = (named_id(status.SerialNo),) if status.SerialNo else ()
        return Accepted(message.reference, status.Fee or filled.segments, ids)

    async def _look(self, attempt: Attempt) -> Found | None:
        """Find an attempt by its SessionContext, which the vendor shows here only on request.

        A state is there only once the network has reported, so absence says nothing.
        """
        if not attempt.to:
            return None
        for page in range(MOST_PAGES):
            payload = {
                "BeginTime": int((attempt.at - BEFORE).timestamp()),
                "EndTime": int(self._clock.now().timestamp()),
                "Offset": page * PAGE,
                "Limit": PAGE,
                "PhoneNumber": attempt.to,
                "SmsSdkAppId": self._settings.app_id,
            }
            answer = await self._call("PullSmsSendStatusByPhoneNumber", payload)
            try:
                said = _ANSWER.decode(answer.body).Response if isinstance(answer, Answer) else None
            except msgspec.DecodeError:
                said = None
            if said is None or said.Error is not None:
                log.warning("gateway_query_failed", gateway=NAME)
                return None
            for one in said.PullSmsSendStatusSet:
                reference = our_reference(one.SessionContext)
                if reference == attempt.reference or reference.rpartition(".")[0] == attempt.unique:
                    ids = (named_id(one.SerialNo),) if one.SerialNo else ()
                    delivery = DELIVERIES.get(one.ReportStatus, Delivery.PENDING)
                    return Found(reference, 1, ids, delivery)
            if len(said.PullSmsSendStatusSet) < PAGE:
                break
        return None

    async def _call(
        self, action: str, payload: Mapping[str, Any], message: Outbound | None = None
    ) -> Answer | NotSent | Down | Unknown:
        signed = tc3(
            self._key,
            host=self._line.host,
            action=action,
            version=VERSION,
            region=self._settings.region,
            body=json.dumps(payload, ensure_ascii=False).encode(),
            now=self._clock.now(),
        )
        return await self._line.ask(
            "POST",
            signed.target,
            headers=signed.headers,
            content=signed.body,
            lease_until=message.lease_until if message else None,
        )

    def routes(self) -> APIRouter:
        """Return what the vendor's console is told: `…/report` for receipts, `…/reply` for replies."""
        return self._called_back(taken=TAKEN, receipts=self._receipts, replies=self._replies)

    def _receipts(self, body: bytes) -> list[Receipt]:
        said = self._door.read(body, _REPORTS)
        receipts = (self._receipt(one) for one in (said if isinstance(said, list) else [said]))
        return [one for one in receipts if one.id]

    def _replies(self, body: bytes) -> list[Inbound]:
        said = self._door.read(body, _REPLIES)
        return [self._inbound(one) for one in (said if isinstance(said, list) else [said])]

    def _receipt(self, said: _Report) -> Receipt:
        return Receipt(
            gateway=NAME,
            delivery=DELIVERIES.get(said.report_status, Delivery.PENDING),
            at=self._door.at(word(said.user_receive_time)),
            id=named_id(word(said.sid)),
            to=_number(said.nationcode, said.mobile),
            code=reason(said.errmsg),
        )

    def _inbound(self, said: _Reply) -> Inbound:
        sender, extend = _number(said.nationcode, said.mobile), word(said.extend)
        return Inbound(
            gateway=NAME,
            id=self._door.keyed(sender, extend, word(said.sign), said.text, word(said.time)),
            sender=sender,
            text=said.text,
            at=self._door.at(word(said.time)),
            extension=extend if self._settings.extension and extend.isdigit() else "",
        )


def _number(nation: Word, mobile: str) -> str:
    code = word(nation).lstrip("+")
    return f"+{code}{mobile}" if code and not mobile.startswith("+") else mobile
