"""Whether a stored docket is what its topics tell: each part folded anew with the service's own `evolve`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local.demo.verify import Read
from runtime.record import Mark, Record
from runtime.service import Part, Service

Topics = Mapping[str, Sequence[Read]]


def folded(part: Part, line: Sequence[Read]) -> tuple[Any, Mark]:
    """One part and its mark as the messages of its topic make them."""
    state, mark = part.state(), Mark()
    for found in line:
        if found.message.fact is None:
            break
        state = part.evolve(state, found.message.fact)
        mark = Mark(found.number, found.message.digest)
    return state, mark


def record(service: Service[Any], petition: Any, topics: Topics) -> Record:
    """The whole docket as it should be stored."""
    parts = {part.name: folded(part, topics.get(part.topic.name, ())) for part in service.parts}
    return Record(
        petition=petition,
        version=1,
        parts={name: state for name, (state, _) in parts.items()},
        marks={name: mark for name, (_, mark) in parts.items() if mark.ordinal},
    )


def differences(service: Service[Any], stored: Record, topics: Topics, *, guest: bool) -> Iterator[str]:
    """What the stored docket has otherwise than the topics; a guest's own facts its service never stated."""
    for part in service.parts:
        if guest and part.topic.writer == service.name:
            continue
        line = topics.get(part.topic.name, ())
        state, mark = folded(part, line)
        has = stored.marks.get(part.name, Mark())
        where = f"{service.name} on {stored.petition}"
        if has.ordinal != mark.ordinal:
            yield f"{where}: has {has.ordinal} of {mark.ordinal} facts of {part.topic.name}."
        elif has.digest != mark.digest:
            yield f"{where}: has another number {mark.ordinal} of {part.topic.name} than stands there."
        elif stored.parts[part.name] != state:
            yield f"{where}: what it knows from {part.topic.name} is not what its facts fold to."
