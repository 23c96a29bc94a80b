"""Which petitions could become a campaign: near-copies, and the same subject at the same place.

Off the way of a fact: texts are compared when somebody at the desk looks, not when they come in, and the
codes of those that were compared stay in memory. A look costs the same in any year: it sees the newest.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from contracts import areas
from contracts.bodies import Body, catalogue
from contracts.identity import PetitionId
from runtime.clock import Clock
from runtime.store import Store
from services.routing import store
from services.routing.alike import codes, grouped
from services.routing.http.campaign_views import ClusterView
from services.routing.store import Candidate, Text

NEWEST: Final = 20_000
MOST_SHOWN: Final = 50
LOOK_AGAIN_AFTER: Final = timedelta(seconds=30)
# Texts that are compared in one go: a few hundredths of a second of a thread beside the line.
PAGE: Final = 500
Codes = Mapping[PetitionId, tuple[int, ...]]


@dataclass
class Proposals:
    """The clusters as last looked for, and the codes of the texts that were looked at."""

    database: Store
    clock: Clock
    least: int
    _codes: dict[PetitionId, tuple[int, tuple[int, ...]]] = field(default_factory=dict)
    _clusters: list[ClusterView] = field(default_factory=list)
    _looked_at: datetime | None = None
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def clusters(self) -> list[ClusterView]:
        """Return the clusters among the newest petitions; looked for anew when the last look is old."""
        async with self._looking:
            now = self.clock.now()
            if self._looked_at is None or now - self._looked_at >= LOOK_AGAIN_AFTER:
                candidates = await store.newest(self.database, limit=NEWEST)
                alike = await self._compared(candidates)
                self._clusters = await asyncio.to_thread(_clusters, candidates, alike, self.least)
                self._looked_at = now
            return self._clusters

    def look_again(self) -> None:
        """Forget the clusters: some of their petitions have joined."""
        self._looked_at = None

    async def members(self, cluster: str, *, limit: int) -> list[PetitionId]:
        """Return the petitions of a cluster, in the order of their ids: those that came meanwhile, too."""
        kind, _, key = cluster.partition(":")
        if kind == "subject":
            return await store.same_subject(self.database, key, limit=limit)
        async with self._looking:
            alike = await self._compared(await store.newest(self.database, limit=NEWEST))
        return sorted(petition for petition, shared in alike.items() if int(key) in shared)[:limit]

    async def _compared(self, candidates: Sequence[Candidate]) -> Codes:
        """Return the codes of the candidates' texts; only those not seen before are read."""
        self._codes = {
            c.petition: known
            for c in candidates
            if (known := self._codes.get(c.petition)) is not None and known[0] == c.edition
        }
        unseen = [c.petition for c in candidates if c.edition and c.petition not in self._codes]
        for place in range(0, len(unseen), PAGE):
            texts = await store.texts(self.database, unseen[place : place + PAGE])
            self._codes |= await asyncio.to_thread(_coded, texts)
        return {petition: shared for petition, (_, shared) in self._codes.items()}


def _coded(texts: Sequence[Text]) -> dict[PetitionId, tuple[int, tuple[int, ...]]]:
    return {text.petition: (text.edition, codes(text.title, text.content)) for text in texts}


def _clusters(candidates: Sequence[Candidate], alike: Codes, least: int) -> list[ClusterView]:
    """Propose near-copies first; the same subject at the same place is the weaker sign."""
    coded = ((c.petition, [str(code) for code in alike.get(c.petition, ())]) for c in candidates)
    copies = grouped(coded, least=least)
    places = grouped(((c.petition, [c.subject] if c.subject else []) for c in candidates), least=least)
    subjects = {str(c.petition): c.subject for c in candidates}
    shown = [_cluster_view("alike", cluster.key, cluster.petitions, subjects) for cluster in copies]
    shown += [_cluster_view("subject", cluster.key, cluster.petitions, subjects) for cluster in places]
    return sorted(shown, key=lambda cluster: -cluster.size)[:MOST_SHOWN]


def _cluster_view(
    kind: Literal["alike", "subject"], key: str, petitions: Sequence[str], subjects: Mapping[str, str]
) -> ClusterView:
    said = {subjects[petition] for petition in petitions}
    body, area, term = said.pop().split("/", 2) if len(said) == 1 and all(said) else ("", "", "")
    return ClusterView(
        cluster=f"{kind}:{key}",
        kind=kind,
        size=len(petitions),
        body_name=catalogue().name(Body(body)) if body else None,
        area_name=areas.name(area) if area and areas.is_area(area) else None,
        term=term or None,
        petitions=list(petitions[:10]),
    )
