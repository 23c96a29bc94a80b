"""Intake's environment (prefix INTAKE_)."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    """What intake needs beyond what all services need."""

    model_config = SettingsConfigDict(
        env_prefix="INTAKE_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    # Intake hears for the story alone: a tenth of a second later costs nobody anything, and the facts of one
    # journey come together.
    batch_linger: timedelta = Field(
        default=timedelta(milliseconds=100),
        description="pause after a small batch, so that the next one is larger",
    )
    code_secret: SecretStr = Field(
        min_length=32, description="makes query codes and their hashes; keep it, or no code works any more"
    )
    tries_window: timedelta = Field(default=timedelta(minutes=15), description="window of the two limits")
    tries_per_address: int = Field(default=20, ge=1, description="wrong codes from one address in the window")
    tries_per_petition: int = Field(
        default=20, ge=1, description="wrong codes for one petition in the window"
    )
    tell_within: timedelta = Field(default=timedelta(days=15), description="Regulations art. 22")
    finish_within: timedelta = Field(default=timedelta(days=60), description="Regulations art. 34")
