"""Joins the parts of long replies. No I/O; what waits here has not been acknowledged.

A part is acknowledged only when the whole text is durable, never before: so a crash loses nothing, the centre
repeats what it got no answer for. A centre that sends the second part only after the answer to the first
would wait for ever, so a part that has waited for `part_wait` is refused with "deliver it again" while its
content stays here; when the rest has come the whole is handed over, and the repeated part is acknowledged on
sight. What is still not whole after `part_age`, or is the oldest when there is no more room, is handed over
without the missing parts: half a sentence that somebody reads is better than none.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final, Generic, TypeVar

from services.notify.smpp.receipts import Said, text

MOST_PARTS: Final = 10_000
MISSING: Final = "〔…〕"
Ticket = TypeVar("Ticket")
Key = tuple[str, str, str, int, int]


class _State(Enum):
    OPEN = auto()
    GIVEN = auto()  # handed over, not known to be durable
    DONE = auto()


@dataclass(slots=True)
class Whole(Generic[Ticket]):
    """One long reply, as far as it has come. `tickets` are the parts that wait for an answer."""

    key: Key
    first: Said
    began: datetime
    parts: dict[int, Said] = field(default_factory=dict)
    tickets: list[tuple[datetime, Ticket]] = field(default_factory=list)
    state: _State = _State.OPEN

    @property
    def text(self) -> str:
        """The characters, with a sign where parts are missing."""
        runs: list[tuple[int, bytes] | None] = []
        for number in range(1, self.key[4] + 1):
            part, last = self.parts.get(number), runs[-1] if runs else None
            if part is None:
                runs += [] if runs and last is None else [None]
            elif last is not None and last[0] == part.coding:
                runs[-1] = (part.coding, last[1] + part.content)  # a character may be cut in two
            else:
                runs.append((part.coding, part.content))
        return "".join(MISSING if run is None else text(*run) for run in runs)

    def takes(self, said: Said, number: int) -> bool:
        """Whether a part belongs here, new or again.

        Not one whose place holds other words (the telephone counts anew: another text under the same
        reference), nor one that comes when the text has been handed over without it.
        """
        known = self.parts.get(number)
        return self.state is _State.OPEN if known is None else known.content == said.content

    @property
    def content(self) -> bytes:
        """What makes two replies the same."""
        return b"".join(bytes((number,)) + self.parts[number].content for number in sorted(self.parts))

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return len(self.parts) == self.key[4]


class Joining(Generic[Ticket]):
    """All long replies that are not whole yet, and the last ones that were."""

    def __init__(self, *, wait: timedelta, age: timedelta, most: int = MOST_PARTS) -> None:
        self._wait, self._age, self._most = wait, age, most
        self._wholes: OrderedDict[Key, Whole[Ticket]] = OrderedDict()
        self._count = 0

    def add(self, said: Said, ticket: Ticket, now: datetime) -> tuple[list[Whole[Ticket]], bool]:
        """Take a part; returns what is to be handed over now, and whether the part is durable already."""
        place = said.place
        if place is None:
            raise ValueError("a text of its own is no part")
        key = (said.sender, said.to, place.kind, place.reference, place.total)
        given = []
        whole = self._wholes.get(key)
        if whole and not whole.takes(said, place.number):
            given += self._forget(whole)
            whole = None
        if whole is None:
            whole = self._wholes[key] = Whole(key, said, now)
        if whole.state is _State.DONE:
            return given, True
        if place.number not in whole.parts:
            whole.parts[place.number] = said
            self._count += 1
        whole.tickets.append((now, ticket))
        if whole.whole and whole.state is _State.OPEN:
            whole.state = _State.GIVEN
            given.append(whole)
        return given + list(self._without_room(whole)), False

    def durable(self, whole: Whole[Ticket]) -> list[Ticket]:
        """Note that a text is safe; returns who is to be told so."""
        whole.state = _State.DONE
        return self._tickets(whole)

    def refused(self, whole: Whole[Ticket]) -> list[Ticket]:
        """Note that a text could not be kept: a repeat of any of its parts brings it up again."""
        whole.state = _State.OPEN
        return self._tickets(whole)

    def due(self, now: datetime) -> tuple[list[Whole[Ticket]], list[Ticket]]:
        """Return what is to be handed over as it is, and which parts the centre must deliver again."""
        given: list[Whole[Ticket]] = []
        again: list[Ticket] = []
        for whole in list(self._wholes.values()):
            old = now - whole.began >= self._age
            if old and whole.state is _State.DONE:
                self._forget(whole)
            elif old and whole.state is _State.OPEN:
                # It stays known for as long again: its parts are repeated and must not begin another one.
                whole.state, whole.began = _State.GIVEN, now
                given.append(whole)
            elif whole.state is _State.OPEN:
                again += [ticket for since, ticket in whole.tickets if now - since >= self._wait]
                whole.tickets = [one for one in whole.tickets if now - one[0] < self._wait]
        return given, again

    def __len__(self) -> int:
        return self._count

    def _tickets(self, whole: Whole[Ticket]) -> list[Ticket]:
        tickets, whole.tickets = [ticket for _, ticket in whole.tickets], []
        return tickets

    def _without_room(self, newest: Whole[Ticket]) -> Iterator[Whole[Ticket]]:
        while self._count > self._most:
            oldest = next((one for one in self._wholes.values() if one is not newest), None)
            if oldest is None:
                return
            yield from self._forget(oldest)

    def _forget(self, whole: Whole[Ticket]) -> list[Whole[Ticket]]:
        """Forget it; one that nobody has handed over yet goes as it is."""
        del self._wholes[whole.key]
        self._count -= len(whole.parts)
        if whole.state is not _State.OPEN:
            return []
        whole.state = _State.GIVEN
        return [whole]
