"""Decides which broker the local system and the tests use: BROKER=auto, kafka, tansu or an address."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from local import java, kafka, tansu
from local.kafka.jars import MavenError
from local.progress import Progress, Say, silent
from local.trouble import LocalError
from local.wire import answers

Kind = Literal["kafka", "tansu", "given"]


@dataclass(frozen=True)
class Choice:
    """A broker to use: its kind, the jars of Kafka, or the address of one that runs already."""

    kind: Kind
    jars: Path | None = None
    address: str = ""

    @property
    def idempotent(self) -> bool:
        """Whether it takes an idempotent producer."""
        return self.kind != "tansu"

    @property
    def lasting(self) -> bool:
        """Whether it keeps its contents over a restart."""
        return self.kind != "tansu"


def choose(wanted: str | None = None, told: Progress | None = None) -> Choice:
    """Turn BROKER into a choice, fetching Kafka where that is the choice and it is not here yet.

    `auto` falls back to Tansu only where Kafka cannot be fetched, and then says what is missing.
    """
    say, hint = (told.say, told.hint) if told else (silent, silent)
    word = wanted or os.environ.get("BROKER") or "auto"
    if word == "tansu":
        _confess(say)
        return Choice("tansu")
    if word in {"auto", "kafka"}:
        try:
            java.find()
            return Choice("kafka", jars=kafka.fetch(hint))
        except MavenError as trouble:
            if word == "kafka":
                raise
            say(f"broker: {trouble.what}")
            _confess(say)
            return Choice("tansu")
    _, colon, port = word.split(",")[0].rpartition(":")
    if not colon or not port.isdigit():
        raise LocalError(
            f"BROKER={word} is not a broker.",
            "use BROKER=auto, BROKER=kafka, BROKER=tansu or BROKER=HOST:PORT.",
        )
    return Choice("given", address=word)


def _confess(say: Say) -> None:
    say(f"broker: Tansu, for a first look only: {'; '.join(tansu.MISSING)}.")
    first = "" if shutil.which("mvn") else "`apt-get install maven`, then "
    say(f"broker: {first}`make up BROKER=kafka` runs Apache Kafka, which promises all of that.")


@contextlib.contextmanager
def running(directory: Path, choice: Choice, port: int | None = None) -> Iterator[str]:
    """The chosen broker's "host:port"; one of our own is stopped at the end, a given one only looked at."""
    if choice.kind == "given":
        if not answers(choice.address):
            raise LocalError(
                f"No broker answers at {choice.address}.", "start it, or let BROKER=kafka start one here."
            )
        yield choice.address
    elif choice.kind == "kafka":
        with kafka.running(directory, port) as address:
            yield address
    else:
        with tansu.running(directory, port) as address:
            yield address
