"""The gateways there are, by the names that NOTIFY_GATEWAYS uses; only those named read their settings."""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from runtime.clock import Clock
from runtime.settings import ConfigurationError
from services.notify.cloud.aliyun import Aliyun
from services.notify.cloud.http import Http
from services.notify.cloud.settings import AliyunSettings, HttpSettings, TencentSettings
from services.notify.cloud.tencent import Tencent
from services.notify.gateway import SmsGateway
from services.notify.outbox import Outbox
from services.notify.settings import Settings
from services.notify.smpp.gateway import Smpp
from services.notify.smpp.settings import Settings as SmppSettings

S = TypeVar("S", bound=BaseSettings)
Make = Callable[[Settings, Clock], SmsGateway]


class GatewayError(ConfigurationError):
    """NOTIFY_GATEWAYS names what there is not, or a gateway's own variables are wrong; says which and why."""


def _read(kind: type[S]) -> S:
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        raise GatewayError(
            "; ".join(
                f"environment variable {prefix}{'_'.join(str(part) for part in found['loc']).upper()}:"
                f" {found['msg']}"
                for found in error.errors(include_input=False, include_url=False)
            )
        ) from None


_MAKERS: Final[Mapping[str, Make]] = {
    "outbox": lambda settings, clock: Outbox(settings.outbox, clock),
    "smpp": lambda _settings, clock: Smpp(_read(SmppSettings), clock),
    "aliyun": lambda _settings, clock: Aliyun(_read(AliyunSettings), clock),
    "tencent": lambda _settings, clock: Tencent(_read(TencentSettings), clock),
    "http": lambda _settings, clock: Http(_read(HttpSettings), clock),
}


def configured(settings: Settings, clock: Clock) -> dict[str, tuple[SmsGateway, int]]:
    """Make the gateways that are configured, by their own names, with their shares; raises GatewayError."""
    made: dict[str, tuple[SmsGateway, int]] = {}
    for name, share in settings.weights().items():
        if name not in _MAKERS:
            raise GatewayError(f"NOTIFY_GATEWAYS: there is no gateway {name}, only {', '.join(_MAKERS)}")
        gateway = _MAKERS[name](settings, clock)
        made[gateway.name] = gateway, share
    return made
