"""Aliyun SMS as a gateway: one SendSms a message, QuerySendDetails about unknown ones, receipts and replies.

SendSms is not idempotent (the vendor says so), so a message without an answer is asked about, never repeated.
"""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from secrets import token_hex
from typing import Final

import msgspec
import structlog
from fastapi import APIRouter

from contracts.calendar import SHANGHAI
from runtime.clock import Clock
from services.notify import segments
from services.notify.cloud.callbacks import Word, our_reference, reason, word
from services.notify.cloud.codes import (
    ALIYUN,
    ALIYUN_WINDOWS,
    by_status,
    judged,
    named_id,
)
from services.notify.cloud.gateway import CloudGateway
from services.notify.cloud.settings import AliyunSettings
from services.notify.cloud.signing import Key, acs3
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
    Throttled,
    Unknown,
)

log = structlog.get_logger()

NAME: Final = "aliyun"
VERSION: Final = "2017-05-25"
LONGEST_VARIABLE: Final = 35
PAGE: Final = 50
MOST_PAGES: Final = 4
# An attempt is dated by its claim; around midnight its record may stand under the other day.
AROUND_MIDNIGHT: Final = timedelta(minutes=10)
OK: Final = "OK"
DELIVERIES: Final = {1: Delivery.PENDING, 2: Delivery.FAILED, 3: Delivery.DELIVERED}


class _Sent(msgspec.Struct):
    Code: str
    Message: str = ""
    BizId: str = ""


class _Detail(msgspec.Struct):
    OutId: Word = None
    SendStatus: int = 1
    ErrCode: Word = None
    Content: str = ""


class _Details(msgspec.Struct):
    SmsSendDetailDTO: list[_Detail] = []


class _Found(msgspec.Struct):
    Code: str
    TotalCount: Word = 0
    SmsSendDetailDTOs: _Details = msgspec.field(default_factory=_Details)


class _Report(msgspec.Struct):
    """SmsReport (help.aliyun.com/document_detail/101867)."""

    success: bool
    phone_number: str = ""
    report_time: str = ""
    err_code: Word = None
    biz_id: Word = None
    out_id: Word = None


class _Reply(msgspec.Struct):
    """SmsUp (help.aliyun.com/document_detail/101847)."""

    phone_number: str
    content: str
    sequence_id: str | int
    send_time: str = ""
    dest_code: Word = None


_SENT: Final = msgspec.json.Decoder(_Sent)
_FOUND: Final = msgspec.json.Decoder(_Found)
_REPORTS: Final = msgspec.json.Decoder(list[_Report], strict=False)
_REPLIES: Final = msgspec.json.Decoder(list[_Reply])
# Only that `code` is a number is looked at there, but the document shows this.
TAKEN: Final = '{"code":0,"msg":"成功"}'.encode()


class Aliyun(CloudGateway):
    """The gateway."""

    def __init__(self, settings: AliyunSettings, clock: Clock) -> None:
        super().__init__(NAME, settings, clock, query=True, free_text=False)
        self._settings = settings
        self._key = Key(settings.access_key_id, settings.access_key_secret.get_secret_value())
        self._templates = Templates(NAME, settings.templates, longest=LONGEST_VARIABLE)

    async def _send(self, message: Outbound) -> Result:
        filled = self._templates.fill(message)
        if not isinstance(filled, Filled):
            return filled
        query = {
            "PhoneNumbers": _number(message.to),
            "SignName": message.sign,
            "TemplateCode": filled.code,
            "OutId": message.reference,
        }
        if filled.variables:
            query["TemplateParam"] = json.dumps(dict(filled.variables), ensure_ascii=False)
        if message.extension and self._settings.extension:
            query["SmsUpExtendCode"] = message.extension
        answer = await self._call("SendSms", query, message)
        if not isinstance(answer, Answer):
            return answer
        try:
            said = _SENT.decode(answer.body)
        except msgspec.DecodeError:
            return by_status(NAME, answer.status)
        if said.Code == OK:
            return Accepted(message.reference, filled.segments, (named_id(said.BizId),) if said.BizId else ())
        result = judged(NAME, ALIYUN, said.Code)
        if isinstance(result, NotSent):
            log.error("template_refused", gateway=NAME, template=message.template, reason=result.reason)
        if isinstance(result, Throttled):
            for words, window in ALIYUN_WINDOWS:
                if words in said.Message:
                    return Throttled(window, result.scope)
        return result

    async def _look(self, attempt: Attempt) -> Found | None:
        if not attempt.to:
            return None
        for day in _days(attempt):
            for page in range(1, MOST_PAGES + 1):
                said = await self._page(attempt.to, day, page)
                if said is None:
                    return None
                for detail in said.SmsSendDetailDTOs.SmsSendDetailDTO:
                    if found := _found(attempt, detail):
                        return found
                if len(said.SmsSendDetailDTOs.SmsSendDetailDTO) < PAGE:
                    break
        return None

    async def _page(self, to: str, day: date, page: int) -> _Found | None:
        query = {
            "PhoneNumber": _number(to),
            "SendDate": day.strftime("%Y%m%d"),
            "PageSize": str(PAGE),
            "CurrentPage": str(page),
        }
        answer = await self._call("QuerySendDetails", query)
        try:
            said = _FOUND.decode(answer.body) if isinstance(answer, Answer) else None
        except msgspec.DecodeError:
            said = None
        if said is None or said.Code != OK:
            log.warning("gateway_query_failed", gateway=NAME)
            return None
        return said

    async def _call(
        self, action: str, query: Mapping[str, str], message: Outbound | None = None
    ) -> Answer | NotSent | Down | Unknown:
        signed = acs3(
            self._key,
            host=self._line.host,
            action=action,
            version=VERSION,
            query=query,
            now=self._clock.now(),
            nonce=token_hex(16),
        )
        return await self._line.ask(
            "POST",
            signed.target,
            headers=signed.headers,
            content=signed.body,
            lease_until=message.lease_until if message else None,
        )

    def routes(self) -> APIRouter:
        """Return what the vendor's console is told: `…/report` for SmsReport, `…/reply` for SmsUp."""
        return self._called_back(taken=TAKEN, receipts=self._receipts, replies=self._replies)

    def _receipts(self, body: bytes) -> list[Receipt]:
        receipts = (self._receipt(one) for one in self._door.read(body, _REPORTS))
        return [one for one in receipts if one.id or one.reference]

    def _replies(self, body: bytes) -> list[Inbound]:
        return [self._inbound(one) for one in self._door.read(body, _REPLIES)]

    def _receipt(self, said: _Report) -> Receipt:
        return Receipt(
            gateway=NAME,
            delivery=Delivery.DELIVERED if said.success else Delivery.FAILED,
            at=self._door.at(said.report_time),
            id=named_id(word(said.biz_id)),
            reference=our_reference(said.out_id),
            to=said.phone_number,
            code=reason(said.err_code),
        )

    def _inbound(self, said: _Reply) -> Inbound:
        return Inbound(
            gateway=NAME,
            id=named_id(word(said.sequence_id)),
            sender=said.phone_number,
            text=said.content,
            at=self._door.at(said.send_time),
            extension=self._door.extension(word(said.dest_code)),
        )


def _number(e164: str) -> str:
    """Write a number as the vendor wants it: eleven digits, or country code and digits."""
    return e164.removeprefix("+86").removeprefix("+")


def _days(attempt: Attempt) -> list[date]:
    near = (attempt.at, attempt.at + AROUND_MIDNIGHT, attempt.at - AROUND_MIDNIGHT)
    return list(dict.fromkeys(moment.astimezone(SHANGHAI).date() for moment in near))


def _found(attempt: Attempt, detail: _Detail) -> Found | None:
    """Match by our reference, be it of another attempt at the same message."""
    reference = our_reference(detail.OutId)
    if reference != attempt.reference and reference.rpartition(".")[0] != attempt.unique:
        return None
    delivery = DELIVERIES.get(detail.SendStatus, Delivery.PENDING)
    # The record has no BizId, and the text with its signature instead of a count.
    return Found(reference, segments.count(detail.Content), (), delivery, reason(detail.ErrCode))
