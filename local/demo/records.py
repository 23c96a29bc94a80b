"""What was found, as it was found: a message on the broker, a line of the SMS outbox."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recorded:
    """One message as it lies on the broker; `topic` without a prefix, `key` empty where there is none."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes | None


@dataclass(frozen=True)
class Sms:
    """One line of the outbox."""

    reference: str
    petition: str
    to: str
    text: str
