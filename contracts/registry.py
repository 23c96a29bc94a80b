"""All facts by their type string; the decoder, the schemas and the examples are made from this list."""

from typing import Final

from contracts import dossiers, intake, mediation, notify, routing
from contracts.fact import Fact

FACTS: Final[tuple[type[Fact], ...]] = (
    dossiers.DossierSaved,
    intake.PetitionRegistered,
    intake.PetitionAccepted,
    intake.PetitionSupplemented,
    intake.PetitionRated,
    intake.DossierRead,
    routing.PetitionRouted,
    routing.PetitionSentToTriage,
    routing.PetitionReferred,
    routing.ReturnReceived,
    routing.ReturnAgreed,
    routing.ReturnRefused,
    routing.PetitionPutToConference,
    routing.ConferenceDecided,
    routing.ConferenceFollowedUp,
    routing.PetitionEscalated,
    routing.PetitionJoinedCampaign,
    routing.PetitionLeftCampaign,
    routing.CommonPolicyApplied,
    mediation.CaseOpened,
    mediation.CaseReturned,
    mediation.CaseKept,
    mediation.CaseHandedBack,
    mediation.CaseAccepted,
    mediation.SessionHeld,
    mediation.CaseConcluded,
    mediation.CaseAnswered,
    mediation.CaseRated,
    mediation.CaseOverdue,
    mediation.CommonPolicyDeclined,
    notify.SmsQueued,
    notify.SmsClaimed,
    notify.SmsSent,
    notify.SmsNotSent,
    notify.SmsUnknown,
    notify.SmsSkipped,
    notify.SmsPostponed,
    notify.SmsJoined,
    notify.SmsDelivered,
    notify.SmsUndelivered,
    notify.SmsDecided,
    notify.ReplyReceived,
    notify.CallTaskRaised,
    notify.CallTaskDone,
)
BY_TYPE: Final[dict[str, type[Fact]]] = {fact.TYPE: fact for fact in FACTS}


def short_name(fact: type[Fact]) -> str:
    """Return the file-friendly name, for example `intake/PetitionRegistered.v1`."""
    owner, name, version = fact.TYPE.removeprefix("cn.petition.").split(".")
    return f"{owner}/{name}.{version}"
