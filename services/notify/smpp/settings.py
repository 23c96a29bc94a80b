"""The environment of the SMPP gateway (prefix NOTIFY_SMPP_): what the centre's operator has given us."""

from datetime import timedelta
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.notify.smpp.receipts import Ids

LONGEST_NUMBER = 20


class Settings(BaseSettings):
    """How to reach the centre, and what it allows. Durations are ISO 8601 (`PT10S`)."""

    model_config = SettingsConfigDict(
        env_prefix="NOTIFY_SMPP_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    host: str = Field(min_length=1, description="the centre's host")
    port: int = Field(ge=1, le=65535, description="the centre's port")
    system_id: str = Field(pattern=r"^[\x21-\x7e]{1,15}$", description="account name at the centre")
    password: SecretStr = Field(max_length=8, description="its password, 8 characters at most (SMPP 3.4)")
    source: str = Field(pattern=r"^[0-9]{1,20}$", description="our number (接入号), digits only")
    system_type: str = Field(
        default="", pattern=r"^[\x21-\x7e]{0,12}$", description="what the centre calls our kind of client"
    )
    extension: int = Field(
        default=0,
        ge=0,
        le=10,
        description="how many digits may follow our number (0: replies find no question)",
    )
    source_ton: int = Field(default=0, ge=0, le=6, description="type of our number")
    source_npi: int = Field(default=0, ge=0, le=18, description="numbering plan of our number")
    rate: float = Field(default=100, gt=0, description="submit_sm a second that the operator granted")
    window: int = Field(default=20, ge=1, le=1000, description="unanswered submit_sm at once")
    receipts: bool = Field(default=True, description="ask for a receipt of every segment")
    ids: Ids = Field(
        default=Ids.SAME,
        description="message ids in answer and receipt: `same`, `hex-decimal` or `decimal-hex`",
    )
    echo: bool = Field(
        default=True, description="send user_message_reference, which many centres repeat in the receipt"
    )
    zone: str = Field(default="Asia/Shanghai", description="time zone of the times in receipts")
    tls: bool = Field(
        default=False, description="speak TLS (1.2 or newer) and check the centre's certificate"
    )
    tls_ca: Path | None = Field(
        default=None, description="file with the certificates to trust instead of the system's"
    )
    connect_timeout: timedelta = Field(
        default=timedelta(seconds=5), gt=timedelta(0), description="for the connection and the bind, each"
    )
    response_timeout: timedelta = Field(
        default=timedelta(seconds=10),
        gt=timedelta(0),
        description="a submit_sm without an answer for so long counts as unknown",
    )
    enquire_every: timedelta = Field(
        default=timedelta(seconds=30),
        gt=timedelta(0),
        description="silence before the centre is asked whether it is there",
    )
    reconnect_from: timedelta = Field(
        default=timedelta(seconds=1), gt=timedelta(0), description="first pause before another connection"
    )
    reconnect_to: timedelta = Field(
        default=timedelta(seconds=30), gt=timedelta(0), description="longest pause, also after a refused bind"
    )
    part_wait: timedelta = Field(
        default=timedelta(seconds=5),
        gt=timedelta(0),
        description="how long a part of a long reply waits for the others before the centre must repeat it",
    )
    part_age: timedelta = Field(
        default=timedelta(hours=1),
        gt=timedelta(0),
        description="after so long a long reply is taken without the parts that never came",
    )

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("no such time zone") from None
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.source) + self.extension > LONGEST_NUMBER:
            raise ValueError("source and extension are longer than 20 digits together")
        return self
