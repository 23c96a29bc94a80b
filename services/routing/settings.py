"""Routing's environment (prefix ROUTING_)."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    """What routing needs beyond what all services need."""

    model_config = SettingsConfigDict(
        env_prefix="ROUTING_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    triage_within: timedelta = Field(
        default=timedelta(days=2), description="time for a person at the triage desk to decide"
    )
    return_within: timedelta = Field(
        default=timedelta(days=2), description="time for the router to decide on a body's objection"
    )
    conference_within: timedelta = Field(
        default=timedelta(days=10), description="time for the joint conference to decide an item"
    )
    most_transfers: int = Field(
        default=3,
        ge=1,
        le=9,
        description="bodies that a petition may be sent to before the conference decides",
    )
    load_every: timedelta = Field(
        default=timedelta(seconds=30), gt=timedelta(0), description="pause between two counts of bodies' load"
    )
