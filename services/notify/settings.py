"""Notify's environment (prefix NOTIFY_)."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    """What notify needs beyond what all services need. Durations are ISO 8601 (`PT10S`)."""

    model_config = SettingsConfigDict(
        env_prefix="NOTIFY_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    outbox: Path = Field(description="file that stands for the SMS line: one JSON object a line")
    sign: str = Field(
        default="长沙信访",
        pattern=r"^[^\s【】]{2,12}$",
        description="signature that every text begins with, without its brackets",
    )
    public_url: str = Field(
        default="", description="where petitioners look up their petitions; empty leaves the link out"
    )
    lease: timedelta = Field(
        default=timedelta(seconds=10),
        ge=timedelta(seconds=1),
        description="how long a claimed message may be under way before the gateway is asked about it",
    )
    contact_wait: timedelta = Field(
        default=timedelta(hours=72),
        description="how long a message waits for the petitioner's number before staff must find another way",
    )
    staff_directory: Path | None = Field(
        default=None,
        description="the office's file of who is told of a case and where; without it no staff are",
    )
