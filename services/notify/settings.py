"""Notify's environment (prefix NOTIFY_)."""

from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from runtime.settings import ServiceSettings
from services.notify.rules import Prices


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
    gateways: str = Field(
        default="outbox",
        pattern=r"^[a-z0-9-]+(=[1-9][0-9]{0,3})?(,[a-z0-9-]+(=[1-9][0-9]{0,3})?)*$",
        description="SMS gateways with their shares: smpp=3,aliyun=1 (outbox: a file, for one machine)",
    )
    quiet_begins: time = Field(
        default=time(22), description="from here on only urgent messages leave (Asia/Shanghai)"
    )
    quiet_ends: time = Field(
        default=time(8),
        description="until here only urgent messages leave; equal to its begin: no quiet hours",
    )
    join_window: timedelta = Field(
        default=timedelta(hours=1),
        ge=timedelta(0),
        description="messages about one petition that may be joined leave so far apart (PT0S: each at once)",
    )
    receipt_wait: timedelta = Field(
        default=timedelta(hours=72),
        description="without a receipt for so long a message counts as undelivered",
    )
    cap_number: int = Field(default=100, ge=0, description="SMS to one number on one day at most (0: no cap)")
    cap_template: int = Field(
        default=50, ge=0, description="SMS of one template to one number on one day at most (0: no cap)"
    )
    price: str = Field(
        default="0.045",
        pattern=r"^[0-9]{1,3}(\.[0-9]{1,4})?(,[a-z0-9-]+=[0-9]{1,3}(\.[0-9]{1,4})?)*$",
        description="yuan for one segment, for estimates; some gateways' own behind it: 0.045,smpp=0.038",
    )
    staff_directory: Path | None = Field(
        default=None,
        description="the office's file of who is told of a case and where; without it no staff are",
    )

    def weights(self) -> dict[str, int]:
        """Return the gateways' names with their shares."""
        pairs = (item.partition("=") for item in self.gateways.split(","))
        return {name: int(share or 1) for name, _, share in pairs}

    def prices(self) -> Prices:
        """Return what a segment costs."""
        usual, *others = self.price.split(",")
        own = (item.partition("=") for item in others)
        return Prices(Decimal(usual), {name: Decimal(price) for name, _, price in own})
