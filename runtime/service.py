"""How a service describes itself to the runtime: its docket's parts, what it hears, when it looks again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.topics import Topic

F_co = TypeVar("F_co", bound=Fact, covariant=True)
D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Heard(Generic[F_co]):
    """One fact as a handler gets it; `id` names the message, for facts that point back at their cause."""

    fact: F_co
    id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A decision's "no" to somebody who asked: a reason code that the edge turns into words."""

    code: str


@dataclass(frozen=True)
class Part:
    """One part of a docket: the fold of one topic's facts. `state()` without arguments is the empty part."""

    name: str
    topic: Topic
    state: type[Any]
    evolve: Callable[[Any, Fact], Any]


@dataclass(frozen=True)
class Index:
    """A database index for a query of the service.

    `partial` names a field that a docket must have to be in the index, `above` a value that it must exceed.
    """

    name: str
    keys: tuple[tuple[str, int], ...]
    unique: bool = False
    partial: str = ""
    above: object = None


@dataclass(frozen=True)
class ShelfPlan:
    """A collection beside the dockets (`runtime.shelf`); `expires` names the field that says when to go."""

    name: str
    indexes: tuple[Index, ...] = ()
    expires: str = ""


def _never(_docket: Any) -> None:  # noqa: ANN401 - stands in for any docket
    return None


def _nothing(_docket: Any, _now: datetime) -> Sequence[Fact]:  # noqa: ANN401 - stands for a docket of any service
    return ()


def _nowhere(_docket: Any, _fact: Fact) -> Sequence[Topic]:  # noqa: ANN401 - stands for a docket of any service
    return ()


@dataclass(frozen=True)
class Service(Generic[D]):
    """The whole description. `docket` is a frozen dataclass: `petition` and one attribute per part.

    A handler gets the docket with the heard fact already folded in, and answers with the facts to state.
    `wake` tells when the service wants to look at the petition again; `woken` decides what then is stated.
    `mirrors` names further topics that get the very bytes of a fact.
    """

    name: str
    docket: type[D]
    parts: tuple[Part, ...]
    hears: Mapping[type[Fact], Callable[[D, Heard[Any], datetime], Sequence[Fact]]]
    wake: Callable[[D], datetime | None] = _never
    woken: Callable[[D, datetime], Sequence[Fact]] = _nothing
    mirrors: Callable[[D, Fact], Sequence[Topic]] = _nowhere
    indexes: tuple[Index, ...] = ()
    shelves: tuple[ShelfPlan, ...] = ()
    by_topic: dict[str, Part] = field(init=False)
    # The parts of a petition that nothing was heard of: states are frozen, so all such petitions share them.
    nothing: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_topic", {part.topic.name: part for part in self.parts})
        empty = {part.name: part.state() for part in self.parts}
        object.__setattr__(self, "nothing", MappingProxyType(empty))

    def listens_to(self) -> tuple[Topic, ...]:
        """Return the topics of other services that this one folds."""
        return tuple(part.topic for part in self.parts if part.topic.writer != self.name)

    def wake_at(self, petition: PetitionId, parts: Mapping[str, object]) -> datetime | None:
        """Return when the service wants to look at the petition again."""
        return None if self.wake is _never else self.wake(self.assemble(petition, parts))

    def also_to(self, petition: PetitionId, parts: Mapping[str, object], fact: Fact) -> Sequence[Topic]:
        """Return the further topics of a fact that is folded into `parts` already."""
        return () if self.mirrors is _nowhere else self.mirrors(self.assemble(petition, parts), fact)

    def assemble(self, petition: PetitionId, parts: Mapping[str, object]) -> D:
        """Put the parts together into the docket that decisions see."""
        return self.docket(petition=petition, **parts)  # type: ignore[call-arg] # every docket has these


class Effects(Protocol):
    """What a service does outside once facts are saved (say, call a gateway); lives with the process."""

    async def start(self) -> None:
        """Get ready, before the first message is heard; a hindrance is shown by /readyz, not raised."""
        ...

    def saved(
        self,
        docket: Any,  # noqa: ANN401 - each service has its own docket type
        facts: Sequence[Fact],
        *,
        woken: bool,
        traceparent: str | None,
    ) -> None:
        """Take note that `facts` are durable now; must neither wait nor raise.

        `woken` tells that the docket asked to be looked at, `traceparent` what the facts belong to.
        """
        ...

    async def stop(self) -> None:
        """Finish what is in hand; called after the last message was heard, while commands are still taken."""
        ...
