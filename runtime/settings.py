"""What every service reads from its environment, once, at the start."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ConfigurationError(ValueError):
    """What the operator set cannot be used; the message names the variable and says what to do."""


class ServiceSettings(BaseSettings):
    """Settings that all services share; each adds its prefix. No secret and no address has a default."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    broker: str = Field(description="bootstrap servers, host:port[,host:port]")
    database: SecretStr = Field(description="mongodb URL with the service's own database name")
    host: str = Field(description="address that the HTTP server listens on")
    port: int = Field(ge=1, le=65535, description="port that the HTTP server listens on")
    staff_key: SecretStr = Field(min_length=32, description="key that verifies staff tokens (JWT, HS256)")

    group: str = Field(default="", description="consumer group; empty means the service's name")
    topic_prefix: str = Field(default="", description="put before every topic name; for tests")
    idempotent: bool = Field(default=True, description="idempotent producer; false for the Tansu broker")
    batch_size: int = Field(default=500, ge=1, le=5000, description="messages handled together at most")
    batch_wait: timedelta = Field(default=timedelta(milliseconds=10), description="longest wait for a batch")
    batch_linger: timedelta = Field(
        default=timedelta(0), description="pause after a small batch, so that the next one is larger"
    )
    session_timeout: timedelta = Field(
        default=timedelta(seconds=6), description="without a heartbeat for so long, others take over"
    )
    command_wait: timedelta = Field(default=timedelta(milliseconds=3), description="collecting HTTP commands")
    commands_waiting: int = Field(default=2000, ge=1, description="more than this are answered 503")
    answer_within: timedelta = Field(
        default=timedelta(seconds=10), description="a command that is not saved by then is answered 503"
    )
    unpublished_limit: timedelta = Field(
        default=timedelta(seconds=30),
        description="with an older unpublished fact the service is not ready and takes no commands",
    )
    sweep_after: timedelta = Field(
        default=timedelta(seconds=5), description="age of a forgotten pending fact"
    )
    sweep_every: timedelta = Field(
        default=timedelta(seconds=1), description="pause between two looks for forgotten facts and due times"
    )
    clear_every: timedelta = Field(
        default=timedelta(milliseconds=250),
        description="pause between two rounds of clearing published facts",
    )
    dockets_kept: int = Field(
        default=4000, ge=0, description="dockets kept in memory for the next batch, for 30 seconds at most"
    )
    parked_share: float = Field(default=0.2, gt=0, le=1, description="more than this share parked: stop")
    max_body: int = Field(default=1_000_000, description="largest HTTP request body in bytes")
