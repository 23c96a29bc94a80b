"""Settings, tables and messages for the tests of the HTTP gateways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from runtime.commands import UnavailableError
from runtime.http import add_common
from services.notify.cloud.aliyun import Aliyun
from services.notify.cloud.http import Http
from services.notify.cloud.settings import AliyunSettings, HttpSettings, TencentSettings
from services.notify.cloud.tencent import Tencent
from services.notify.gateway import SmsGateway
from services.notify.sms import Attempt, Inbound, Outbound, Receipt
from tests.notify.cloud.vendors import KEY_ID, SECRET
from tests.notify.journey import PETITION, START, Clock

CALLBACK = "callback-secret-0123456789-0123456789"
NUMBER = "+8613800138000"
TABLE = """
elsewhere = ["case-rated"]

[[template]]
template = "routed"
version = "2026-11-25"
code = "{code}"
variables = ["petition", "body"]
instead = {{ body = "承办单位" }}
"""
WORDS = {"petition": str(PETITION), "body": "物业纠纷调解委员会"}


def outbound(message: str = "routed.1", *, attempt: int = 1, **changes: Any) -> Outbound:
    """A message to send; its lease holds for ten seconds."""
    unique = f"{PETITION}.{message}"
    said: dict[str, Any] = {
        "reference": f"{unique}.{attempt}",
        "unique": unique,
        "petition": PETITION,
        "to": NUMBER,
        "template": "routed",
        "version": "2026-11-25",
        "params": WORDS,
        "text": "您反映的事项已转交办理",
        "sign": "长沙信访",
        "lease_until": START + timedelta(seconds=10),
    }
    return Outbound(**said | changes)


def attempt_of(message: Outbound, **changes: Any) -> Attempt:
    """What is asked about it."""
    said: dict[str, Any] = {
        "reference": message.reference,
        "unique": message.unique,
        "to": message.to,
        "at": START,
    }
    return Attempt(**said | changes)


def table(folder: Path, text: str = TABLE) -> Path:
    """The table of templates as a file."""
    path = folder / "templates.toml"
    path.write_text(text.format(code="1234567") if text is TABLE else text, "utf-8")
    return path


def _common(endpoint: str, changes: dict[str, Any]) -> dict[str, Any]:
    short = {"connect_timeout": timedelta(seconds=1), "timeout": timedelta(seconds=1)}
    return {"endpoint": endpoint, "callback_secret": CALLBACK} | short | changes


def aliyun(endpoint: str, folder: Path, clock: Clock | None = None, **changes: Any) -> Aliyun:
    """The gateway to a stand-in."""
    own: dict[str, Any] = {"access_key_id": KEY_ID, "access_key_secret": SECRET, "templates": table(folder)}
    return Aliyun(AliyunSettings.model_validate(own | _common(endpoint, changes)), clock or Clock())


def tencent(endpoint: str, folder: Path, clock: Clock | None = None, **changes: Any) -> Tencent:
    """The gateway to a stand-in."""
    own: dict[str, Any] = {
        "secret_id": KEY_ID,
        "secret_key": SECRET,
        "app_id": "1400006666",
        "templates": table(folder),
    }
    return Tencent(TencentSettings.model_validate(own | _common(endpoint, changes)), clock or Clock())


def kannel(endpoint: str, clock: Clock | None = None, **changes: Any) -> Http:
    """The gateway that the shipped profile describes."""
    own: dict[str, Any] = {
        "username": "notify",
        "password": SECRET,
        "callback_url": "http://notify.example:8004/gateways",
    }
    return Http(HttpSettings.model_validate(own | _common(endpoint, changes)), clock or Clock())


@dataclass
class Sink:
    """Keeps what comes in; refuses as long as the test says so."""

    away: bool = False
    kept_receipts: list[Receipt] = field(default_factory=list)
    kept_inbound: list[Inbound] = field(default_factory=list)

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        """Keep them, or not."""
        if self.away:
            raise UnavailableError(7)
        self.kept_receipts.extend(batch)

    async def inbound(self, batch: Sequence[Inbound]) -> None:
        """Keep them, or not."""
        if self.away:
            raise UnavailableError(7)
        self.kept_inbound.extend(batch)


class _Well:
    def alive(self) -> bool:
        return True

    async def reasons(self) -> list[str]:
        return []


def application(gateway: SmsGateway) -> FastAPI:
    """The service's HTTP side with the gateway's routes alone."""
    app = FastAPI(docs_url=None, redoc_url=None)
    routes = gateway.routes()
    assert routes is not None
    app.include_router(routes, prefix="/gateways")
    add_common(app, health=_Well(), service="notify", max_body=1_000_000)  # type: ignore[arg-type] # as much of a health as is asked
    return app


def caller(gateway: SmsGateway, address: str = "203.0.113.7") -> httpx.AsyncClient:
    """Somebody at this address who calls notify."""
    transport = httpx.ASGITransport(application(gateway), client=(address, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://notify")
