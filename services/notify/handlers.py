"""What notify hears, in the order of a petition's journey; `texts.toml` says of what somebody is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.dossiers import DossierSaved
from contracts.fact import Fact
from contracts.intake import PetitionAccepted, PetitionRated, PetitionRegistered, PetitionSupplemented
from contracts.mediation import (
    CaseAccepted,
    CaseAnswered,
    CaseConcluded,
    CaseOpened,
    CaseOverdue,
    CaseRated,
    SessionHeld,
)
from contracts.routing import (
    PetitionJoinedCampaign,
    PetitionLeftCampaign,
    PetitionPutToConference,
    PetitionReferred,
    PetitionRouted,
    PetitionSentToTriage,
    ReturnRefused,
)
from runtime.service import Heard
from services.notify.docket import Docket
from services.notify.domain import decide_tell, decide_waiting
from services.notify.standing import Standing


@dataclass(frozen=True)
class Handlers:
    """The handlers, with the rules they decide by."""

    standing: Standing

    def on_dossier_saved(self, docket: Docket, _heard: Heard[DossierSaved], now: datetime) -> Sequence[Fact]:
        """Claim what has waited for the number."""
        return decide_waiting(self.standing.rules, docket, now)

    def on_petition_registered(
        self, docket: Docket, heard: Heard[PetitionRegistered], now: datetime
    ) -> Sequence[Fact]:
        """登记: we have it, and by when the petitioner hears more."""
        return self._tell(docket, heard, now)

    def on_petition_accepted(
        self, docket: Docket, heard: Heard[PetitionAccepted], now: datetime
    ) -> Sequence[Fact]:
        """受理: taken up, and by when it is done."""
        return self._tell(docket, heard, now)

    def on_petition_supplemented(
        self, docket: Docket, heard: Heard[PetitionSupplemented], now: datetime
    ) -> Sequence[Fact]:
        """补充: what he added has arrived."""
        return self._tell(docket, heard, now)

    def on_petition_routed(
        self, docket: Docket, heard: Heard[PetitionRouted], now: datetime
    ) -> Sequence[Fact]:
        """转送/交办: who has it now, and why."""
        return self._tell(docket, heard, now)

    def on_petition_sent_to_triage(
        self, docket: Docket, heard: Heard[PetitionSentToTriage], now: datetime
    ) -> Sequence[Fact]:
        """A person is looking."""
        return self._tell(docket, heard, now)

    def on_return_refused(self, docket: Docket, heard: Heard[ReturnRefused], now: datetime) -> Sequence[Fact]:
        """The body that had objected keeps it."""
        return self._tell(docket, heard, now)

    def on_petition_put_to_conference(
        self, docket: Docket, heard: Heard[PetitionPutToConference], now: datetime
    ) -> Sequence[Fact]:
        """联席会议: the joint conference decides who leads."""
        return self._tell(docket, heard, now)

    def on_petition_referred(
        self, docket: Docket, heard: Heard[PetitionReferred], now: datetime
    ) -> Sequence[Fact]:
        """It went to an office outside the 15 bodies."""
        return self._tell(docket, heard, now)

    def on_petition_joined_campaign(
        self, docket: Docket, heard: Heard[PetitionJoinedCampaign], now: datetime
    ) -> Sequence[Fact]:
        """集中攻坚: it is worked on together with others of its kind."""
        return self._tell(docket, heard, now)

    def on_petition_left_campaign(
        self, docket: Docket, heard: Heard[PetitionLeftCampaign], now: datetime
    ) -> Sequence[Fact]:
        """Its body handles it by itself again."""
        return self._tell(docket, heard, now)

    def on_case_opened(self, docket: Docket, heard: Heard[CaseOpened], now: datetime) -> Sequence[Fact]:
        """立案: the body has begun."""
        return self._tell(docket, heard, now)

    def on_case_accepted(self, docket: Docket, heard: Heard[CaseAccepted], now: datetime) -> Sequence[Fact]:
        """Somebody answers for it by name."""
        return self._tell(docket, heard, now)

    def on_session_held(self, docket: Docket, heard: Heard[SessionHeld], now: datetime) -> Sequence[Fact]:
        """The parties met."""
        return self._tell(docket, heard, now)

    def on_case_overdue(self, docket: Docket, heard: Heard[CaseOverdue], now: datetime) -> Sequence[Fact]:
        """督办: late, and the body is pressed."""
        return self._tell(docket, heard, now)

    def on_case_concluded(self, docket: Docket, heard: Heard[CaseConcluded], now: datetime) -> Sequence[Fact]:
        """办结: the outcome."""
        return self._tell(docket, heard, now)

    def on_case_answered(self, docket: Docket, heard: Heard[CaseAnswered], now: datetime) -> Sequence[Fact]:
        """答复: the written answer, and the right of review."""
        return self._tell(docket, heard, now)

    def on_petition_rated(self, docket: Docket, heard: Heard[PetitionRated], now: datetime) -> Sequence[Fact]:
        """评价: the petitioner rated."""
        return self._tell(docket, heard, now)

    def on_case_rated(self, docket: Docket, heard: Heard[CaseRated], now: datetime) -> Sequence[Fact]:
        """The rating has reached the body."""
        return self._tell(docket, heard, now)

    def _tell(self, docket: Docket, heard: Heard[Any], now: datetime) -> Sequence[Fact]:
        rules = self.standing.rules
        told = decide_tell(rules, docket, heard.id, heard.fact, now)
        return [*told, *decide_waiting(rules, docket, now)]

    def hears(self) -> Mapping[type[Fact], Callable[[Docket, Heard[Any], datetime], Sequence[Fact]]]:
        """Return the handlers by what they hear."""
        return {
            DossierSaved: self.on_dossier_saved,
            PetitionRegistered: self.on_petition_registered,
            PetitionAccepted: self.on_petition_accepted,
            PetitionSupplemented: self.on_petition_supplemented,
            PetitionRouted: self.on_petition_routed,
            PetitionSentToTriage: self.on_petition_sent_to_triage,
            ReturnRefused: self.on_return_refused,
            PetitionPutToConference: self.on_petition_put_to_conference,
            PetitionReferred: self.on_petition_referred,
            PetitionJoinedCampaign: self.on_petition_joined_campaign,
            PetitionLeftCampaign: self.on_petition_left_campaign,
            CaseOpened: self.on_case_opened,
            CaseAccepted: self.on_case_accepted,
            SessionHeld: self.on_session_held,
            CaseOverdue: self.on_case_overdue,
            CaseConcluded: self.on_case_concluded,
            CaseAnswered: self.on_case_answered,
            PetitionRated: self.on_petition_rated,
            CaseRated: self.on_case_rated,
        }
