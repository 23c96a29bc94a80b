"""What routing hears: the personal text and the acceptance, in whichever order; later a body's objection."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.dossiers import DossierSaved
from contracts.fact import Fact
from contracts.intake import PetitionAccepted
from contracts.mediation import CaseReturned
from runtime.service import Heard
from services.routing.domain import (
    Docket,
    Finding,
    Rules,
    decide_again,
    decide_objection,
    decide_route,
    ready,
)


@dataclass(frozen=True)
class Handlers:
    """The handlers, with the classifier they ask; `find` takes title and content.

    `rules` gives those in force now: the operator may edit the catalogue at any time.
    """

    find: Callable[[str, str], Finding]
    rules: Callable[[], Rules]

    def on_petition_accepted(
        self, docket: Docket, _heard: Heard[PetitionAccepted], now: datetime
    ) -> Sequence[Fact]:
        """Route once the text is there too."""
        return self._route(docket, now)

    def on_dossier_saved(self, docket: Docket, heard: Heard[DossierSaved], now: datetime) -> Sequence[Fact]:
        """Route once the acceptance is there too; look anew at a text that became another."""
        if docket.own.begun and docket.dossier.changed_at == heard.fact.at:
            found = self.find(docket.dossier.title, docket.dossier.content)
            return decide_again(docket, found, self.rules(), now)
        return self._route(docket, now)

    def on_case_returned(self, docket: Docket, heard: Heard[CaseReturned], now: datetime) -> Sequence[Fact]:
        """退回: lay the body's objection before the router."""
        return decide_objection(docket, heard.fact, self.rules(), now)

    def _route(self, docket: Docket, now: datetime) -> Sequence[Fact]:
        if not ready(docket):
            return ()
        found = self.find(docket.dossier.title, docket.dossier.content)
        return decide_route(docket, found, self.rules(), now)

    def hears(self) -> Mapping[type[Fact], Callable[[Docket, Heard[Any], datetime], Sequence[Fact]]]:
        """Return the handlers by what they hear, in the order of the journey."""
        return {
            PetitionAccepted: self.on_petition_accepted,
            DossierSaved: self.on_dossier_saved,
            CaseReturned: self.on_case_returned,
        }
