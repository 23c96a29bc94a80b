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
    campaign_pace: int = Field(
        default=220,
        ge=1,
        le=5000,
        description="petitions a second that a campaign settles or takes in at most",
    )
    campaign_every: timedelta = Field(
        default=timedelta(seconds=1),
        gt=timedelta(0),
        le=timedelta(seconds=2),
        description="pause between two looks at the campaigns",
    )
    campaign_lease: timedelta = Field(
        default=timedelta(seconds=10),
        gt=timedelta(0),
        description="an instance that dies at a campaign's work is replaced after so long",
    )
    cluster_least: int = Field(
        default=5, ge=2, description="fewer alike petitions than this are not proposed as a cluster"
    )
    load_every: timedelta = Field(
        default=timedelta(seconds=30), gt=timedelta(0), description="pause between two counts of bodies' load"
    )
