"""A gateway described as data (TOML): how a message becomes a request, what answers and callbacks mean.

A value in braces is filled in once, as a whole parameter; the request is then encoded by rule, so what
stands in a text can neither end a parameter nor begin another one.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.notify.sms import Delivery

SHIPPED: Final = Path(__file__).parent / "profiles"
PLACEHOLDERS: Final = frozenset(
    {
        *("username", "password", "channel", "number", "national", "text", "signed", "sign"),
        *("reference", "sender", "extension", "valid_minutes", "receipt_url"),
    }
)
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


class ProfileError(ValueError):
    """The profile is wrong; the message says where."""


class Meaning(StrEnum):
    """What an answer can mean; `down` and `not-sent` only where the gateway certainly did not take it."""

    ACCEPTED = "accepted"
    NOT_SENT = "not-sent"
    THROTTLED = "throttled"
    DOWN = "down"
    MISCONFIGURED = "misconfigured"
    REFUSED_NUMBER = "refused-number"
    REFUSED_BLACKLIST = "refused-blacklist"
    REFUSED_CONTENT = "refused-content"
    REFUSED_PARAMETER = "refused-parameter"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AnswerRule(_Part):
    """An answer with this status whose body begins as `body` says; a group `id` in it is the message's id."""

    status: int
    body: str = ""
    meaning: Meaning
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,40}$")]
    retry_after: timedelta = timedelta(seconds=10)

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        try:
            re.compile(self.body)
        except re.error as error:
            raise ValueError(f"`body` is no regular expression: {error}") from error
        return self


class ReceiptRule(_Part):
    """The names of a receipt's parameters. `asks` follows our address, with the gateway's own escapes."""

    asks: Annotated[str, Field(pattern=r"^[A-Za-z0-9_%=&.-]*$")] = ""
    reference: str = "reference"
    id: str = ""
    state: str
    states: Mapping[str, Delivery]
    at: str = ""
    to: str = ""
    code: str = ""
    code_is: str = "(.*)"


class ReplyRule(_Part):
    """The names of a reply's parameters."""

    id: str
    sender: str
    to: str
    text: str
    at: str = ""


class Profile(_Part):
    """One kind of gateway. `most_segments` is the most that it takes without cutting."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,20}$")]
    method: Literal["GET", "POST"]
    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/._-]*$")]
    most_segments: int = Field(ge=1, le=255)
    query: Mapping[str, str] = {}
    form: Mapping[str, str] = {}
    json_body: Mapping[str, str] = Field(default={}, alias="json")
    headers: Mapping[str, str] = {}
    answer: tuple[AnswerRule, ...]
    receipt: ReceiptRule | None = None
    reply: ReplyRule | None = None

    @model_validator(mode="after")
    def _knows_its_placeholders(self) -> Self:
        if self.form and self.json_body:
            raise ValueError("a request has one body: [form] or [json]")
        if self.method == "GET" and (self.form or self.json_body):
            raise ValueError("GET has no body: use [query]")
        parts = (*self.query.values(), *self.form.values(), *self.json_body.values(), *self.headers.values())
        used = {name for part in parts for name in _PLACEHOLDER.findall(part)}
        if unknown := sorted(used - PLACEHOLDERS):
            raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(PLACEHOLDERS))}")
        if "receipt_url" in used and self.receipt is None:
            raise ValueError("asks for receipts and has no [receipt] to read them by")
        return self


def load(name: str) -> Profile:
    """Read a shipped profile by its name, or one's own by its path; raises ProfileError."""
    path = Path(name) if name.endswith(".toml") else SHIPPED / f"{name}.toml"
    try:
        return Profile.model_validate(tomllib.loads(path.read_text("utf-8")))
    except FileNotFoundError as error:
        shipped = ", ".join(sorted(each.stem for each in SHIPPED.glob("*.toml")))
        raise ProfileError(f"{path} is not there; shipped are: {shipped}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise ProfileError(f"{path}: {error}") from error


def filled(parameters: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Fill in placeholders, each once and never again in what was filled in; empty parameters fall away."""
    done = {
        name: _PLACEHOLDER.sub(lambda found: values[found[1]], template)
        for name, template in parameters.items()
    }
    return {name: value for name, value in done.items() if value}
