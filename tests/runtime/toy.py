"""A service small enough to know by heart: it answers ratings and offices, and is late after a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.bodies import Body
from contracts.dossiers import DossierSaved
from contracts.envelope import digest, read, seal
from contracts.fact import Fact
from contracts.identity import PetitionId, make
from contracts.intake import PetitionAccepted, PetitionRated
from contracts.mediation import CaseAccepted, CaseOverdue, CaseRated, Step
from contracts.routing import Office, PetitionReferred
from contracts.topics import BODY_TOPICS, DOSSIERS, INTAKE, MEDIATION, ROUTING, Topic
from runtime.draft import Delivery
from runtime.service import Heard, Part, Service

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Own:
    """What was stated, for each cause by itself."""

    scores: tuple[int, ...] = ()
    handlers: tuple[str, ...] = ()
    late: bool = False


@dataclass(frozen=True, slots=True)
class Ratings:
    """The fold of petition-intake-v1."""

    scores: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Offices:
    """The fold of petition-routing-v1."""

    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Title:
    """The fold of petition-dossiers-v1."""

    title: str = ""


@dataclass(frozen=True, slots=True)
class Docket:
    """All that the toy knows."""

    petition: PetitionId
    own: Own
    ratings: Ratings
    offices: Offices
    dossier: Title


def evolve_own(part: Own, fact: Fact) -> Own:
    match fact:
        case CaseRated():
            return replace(part, scores=(*part.scores, fact.score))
        case CaseAccepted():
            return replace(part, handlers=(*part.handlers, fact.handler))
        case CaseOverdue():
            return replace(part, late=True)
        case _:
            return part


def evolve_ratings(part: Ratings, fact: Fact) -> Ratings:
    return Ratings((*part.scores, fact.score)) if isinstance(fact, PetitionRated) else part


def evolve_offices(part: Offices, fact: Fact) -> Offices:
    return Offices((*part.by, fact.by)) if isinstance(fact, PetitionReferred) else part


def evolve_dossier(part: Title, fact: Fact) -> Title:
    return Title(fact.title) if isinstance(fact, DossierSaved) else part


def on_rated(_docket: Docket, heard: Heard[PetitionRated], now: datetime) -> Sequence[Fact]:
    """State the rating; the best one is stated together with a second fact."""
    rated = CaseRated(at=now, score=heard.fact.score)
    return (rated, rated) if heard.fact.score == 5 else (rated,)


def on_referred(_docket: Docket, heard: Heard[PetitionReferred], now: datetime) -> Sequence[Fact]:
    return (CaseAccepted(at=now, handler=heard.fact.by),)


def wake(docket: Docket) -> datetime | None:
    """A day after the test began, once there is a handler and nothing late was stated."""
    return NOW + DAY if docket.own.handlers and not docket.own.late else None


def woken(_docket: Docket, now: datetime) -> Sequence[Fact]:
    return (CaseOverdue(at=now, step=Step.FINISH, since=NOW),)


def mirrors(_docket: Docket, fact: Fact) -> Sequence[Topic]:
    return (BODY_TOPICS[Body.LABOR],) if isinstance(fact, CaseRated) else ()


def service(**changes: Any) -> Service[Docket]:
    """The toy; `changes` break it or mend it."""
    known: dict[str, Any] = {
        "name": "mediation",
        "docket": Docket,
        "parts": (
            Part("own", MEDIATION, Own, evolve_own),
            Part("ratings", INTAKE, Ratings, evolve_ratings),
            Part("offices", ROUTING, Offices, evolve_offices),
            Part("dossier", DOSSIERS, Title, evolve_dossier),
        ),
        "hears": {PetitionRated: on_rated, PetitionReferred: on_referred},
        "wake": wake,
        "woken": woken,
        "mirrors": mirrors,
    }
    return Service(**{**known, **changes})


def petition(chance: int = 1) -> PetitionId:
    return make(NOW, chance)


def rated(score: int = 3) -> PetitionRated:
    return PetitionRated(at=NOW, score=score)


def accepted() -> PetitionAccepted:
    """A fact that is folded and that no handler hears."""
    return PetitionAccepted(at=NOW, due=NOW + DAY)


def referred(by: str = "clerk-1") -> PetitionReferred:
    return PetitionReferred(at=NOW, office=Office.PETITION_OFFICE, by=by)


def dossier(title: str = "供水") -> DossierSaved:
    return DossierSaved(
        at=NOW, name="张三", phone="13800000000", title=title, content="水", code_salt="", code_hash="0" * 64
    )


def tombstone(offset: int = 99) -> Delivery:
    return Delivery(DOSSIERS.name, 0, offset, None, None)


@dataclass
class Streams:
    """One petition's streams as others write them: numbered and chained per topic."""

    petition: PetitionId = field(default_factory=petition)
    written: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))

    def write(self, fact: Fact, *, traceparent: str | None = None) -> Delivery:
        """Append a fact to its topic and return the message as it is delivered."""
        topic = type(fact).TOPIC
        before = self.written[topic.name]
        value = seal(
            fact,
            petition=self.petition,
            ordinal=len(before) + 1,
            previous=digest(before[-1]) if before else None,
            cause=None,
            traceparent=traceparent,
        )
        before.append(value)
        return Delivery(topic.name, 0, len(before) - 1, value, read(value))
