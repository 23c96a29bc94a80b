"""The settings of every service: frozen, with a prefix of their own, no secret and no address by default."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.settings import ServiceSettings
from services.notify.smpp.settings import Settings as SmppSettings
from tests.architecture.fitting import EVERY_SERVICE, settings_class

ADDRESSES = {"broker", "database", "host", "port"}


def presumes_nothing(kind: type[BaseSettings], name: str) -> Iterator[str]:
    """Say where a service's settings would start it with something that nobody has set."""
    config = kind.model_config
    if config.get("env_prefix") != f"{name.upper()}_":
        yield f"the prefix is {config.get('env_prefix')!r}: two services would read the same variable"
    if not config.get("frozen"):
        yield "not frozen: a setting is read once"
    if not config.get("hide_input_in_errors"):
        yield "an error would print the secret that was set wrong"
    for field, described in kind.model_fields.items():
        secret = described.annotation is SecretStr
        presumed = not described.is_required() and (secret or field in ADDRESSES or described.default)
        if presumed and (secret or field in ADDRESSES or field.endswith("_url")):
            yield f"{field} has a default"


def test_the_account_at_the_message_centre_is_presumed_nowhere() -> None:
    assert [] == list(presumes_nothing(SmppSettings, "notify_smpp"))


@pytest.mark.parametrize("name", EVERY_SERVICE)
def test_a_service_presumes_nothing_when_it_reads_its_settings(name: str) -> None:
    assert [] == list(presumes_nothing(settings_class(name), name))


def test_the_gate_turns_red_when_a_secret_or_an_address_has_a_default() -> None:
    class Settings(ServiceSettings):
        model_config = SettingsConfigDict(env_prefix="", frozen=False, hide_input_in_errors=False)
        port: int = 8001
        public_url: str = "x"
        code_secret: SecretStr = SecretStr("x")

    told = " ".join(presumes_nothing(Settings, "intake"))
    for fault in ("port has", "public_url has", "code_secret has", "prefix", "not frozen", "would print"):
        assert fault in told
