"""Messages to send, and settings for a centre on this machine; imports little: a worker starts often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from services.notify.smpp.settings import Settings
from services.notify.sms import Outbound

START: Final = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
PASSWORD: Final = "secret"  # what smsc.js wants
PETITION: Final = "07X3Q-G8F91-BDAN5"
SOURCE: Final = "106912345"
SIGN: Final = "长沙信访"


def settings(port: int, **changes: Any) -> Settings:
    """Settings with short times."""
    return Settings.model_validate(
        {
            "host": "127.0.0.1",
            "port": port,
            "system_id": "bridge",
            "password": PASSWORD,
            "source": SOURCE,
            "rate": 10_000,
            "response_timeout": timedelta(seconds=2),
            "reconnect_from": timedelta(milliseconds=50),
            "reconnect_to": timedelta(milliseconds=200),
            "extension": 4,
            **changes,
        }
    )


def outbound(number: int = 1, *, text: str = "您好", seconds: float = 10, **changes: Any) -> Outbound:
    """A message; its lease holds for ten seconds of the test's clock, which stands still."""
    unique = f"{PETITION}.registered.{number}"
    return Outbound(
        **{
            "reference": f"{unique}.1",
            "unique": unique,
            "petition": PETITION,
            "to": "+8613800138000",
            "template": "registered",
            "params": {},
            "text": text,
            "sign": SIGN,
            "lease_until": START + timedelta(seconds=seconds),
            **changes,
        }
    )
