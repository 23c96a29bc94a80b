"""The environment of the HTTP gateways (prefixes NOTIFY_ALIYUN_, NOTIFY_TENCENT_, NOTIFY_HTTP_).

Only that of the gateway in use is read. `docs/sms-gateways.md` tells where each value comes from.
"""

import re
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, AnyHttpUrl, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

_CONFIG: Final = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
# It stands in addresses that other programs keep, so it needs no escaping anywhere.
_IN_A_PATH: Final = re.compile(r"[A-Za-z0-9_-]{32,128}")


def _path_segment(secret: SecretStr) -> SecretStr:
    if not _IN_A_PATH.fullmatch(secret.get_secret_value()):
        raise ValueError("32 to 128 letters, digits, - and _ are needed")
    return secret


def _no_path(address: AnyHttpUrl) -> AnyHttpUrl:
    if address.path not in {None, "", "/"} or address.query or address.username:
        raise ValueError("scheme, host and port alone")
    return address


def _networks(written: str) -> str:
    networks(written)
    return written


def networks(written: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read a list like `10.0.0.0/8, 203.0.113.7`."""
    return tuple(ip_network(part.strip()) for part in written.split(",") if part.strip())


class LineSettings(BaseSettings):
    """What every gateway that is reached over HTTP needs. Durations are ISO 8601 (`PT5S`)."""

    model_config = _CONFIG

    endpoint: Annotated[AnyHttpUrl, AfterValidator(_no_path)] = Field(
        description="address of the gateway, without a path"
    )
    callback_secret: Annotated[SecretStr, AfterValidator(_path_segment)] = Field(
        description="part of the address that the gateway calls back; 32 letters and digits or more"
    )
    callback_from: Annotated[str, AfterValidator(_networks)] = Field(
        default="", description="addresses and networks that may call back, with commas; empty: any"
    )
    connections: int = Field(default=20, ge=1, le=500, description="connections and requests at once")
    connect_timeout: timedelta = Field(
        default=timedelta(seconds=3), gt=timedelta(0), description="longest wait for a connection"
    )
    timeout: timedelta = Field(
        default=timedelta(seconds=5),
        ge=timedelta(seconds=1),
        description="longest wait for an answer; after that the message is unknown",
    )
    rate: float | None = Field(default=None, gt=0, description="messages a second at most; empty: no limit")
    sender: str = Field(
        default="",
        pattern=r"^\d{0,20}$",
        description="our own number as replies are addressed to, without an extension",
    )
    extension: int = Field(
        default=0, ge=0, le=12, description="digits that we may append to it; 0: replies have no extension"
    )


class AliyunSettings(LineSettings):
    """Aliyun SMS (Dysmsapi 2017-05-25)."""

    model_config = SettingsConfigDict(**_CONFIG | {"env_prefix": "NOTIFY_ALIYUN_"})

    access_key_id: str = Field(min_length=1, description="AccessKey ID of a RAM user that may send SMS alone")
    access_key_secret: SecretStr = Field(min_length=1, description="its secret")
    templates: Path = Field(description="file: which of our templates is which of the vendor's")


class TencentSettings(LineSettings):
    """Tencent Cloud SMS (2021-01-11)."""

    model_config = SettingsConfigDict(**_CONFIG | {"env_prefix": "NOTIFY_TENCENT_"})

    secret_id: str = Field(min_length=1, description="SecretId of a sub-account that may send SMS alone")
    secret_key: SecretStr = Field(min_length=1, description="its SecretKey")
    app_id: str = Field(pattern=r"^\d{1,20}$", description="SmsSdkAppId of the SMS application")
    region: str = Field(default="ap-guangzhou", description="region of the interface")
    templates: Path = Field(description="file: which of our templates is which of the vendor's")


class HttpSettings(LineSettings):
    """Any gateway that a profile describes."""

    model_config = SettingsConfigDict(**_CONFIG | {"env_prefix": "NOTIFY_HTTP_"})

    profile: str = Field(
        default="kannel", description="name of a profile that is shipped, or a file of your own (*.toml)"
    )
    username: str = Field(default="", description="our account at the gateway")
    password: SecretStr = Field(description="its password; empty if the gateway asks for none")
    callback_url: str = Field(
        default="",
        pattern=r"^(https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._/-]*)?)?$",
        description="where the gateway reaches notify, `/gateways` included; empty: no receipts",
    )
    channel: str = Field(default="", description="the gateway's name for the line to use, if it has several")
