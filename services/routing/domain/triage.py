"""The triage desk's decision: a person says where a petition goes."""

from collections.abc import Sequence
from datetime import datetime

from contracts.bodies import Body
from contracts.fact import Fact
from contracts.kinds import DecidedBy
from contracts.routing import Office, PetitionReferred, PetitionRouted
from runtime.service import Refused
from services.routing.domain.place import Docket, Rules, as_reasons


def decide_triage(
    docket: Docket, to: Body | Office, by: str, rules: Rules, now: datetime
) -> Sequence[Fact] | Refused:
    """A person decides what the machine did not, be it for an office outside the bodies (art. 22)."""
    guess = docket.own.guess
    if docket.own.triage_due is None or guess is None or docket.intake.due is None:
        return Refused("not-in-triage")
    if isinstance(to, Office):
        return (PetitionReferred(at=now, office=to, by=by),)
    return (
        PetitionRouted(
            at=now,
            body=to,
            second=guess.second if to == guess.first else guess.first,
            domain=guess.domain,
            area=guess.area,
            kind=guess.kind,
            reasons=as_reasons(guess.reasons) if to == guess.first else (),
            decided_by=DecidedBy.PERSON,
            transfer=docket.own.transfer + 1,
            rule_version=rules.lexicon_version,
            catalogue_version=rules.catalogue_version,
            due=docket.intake.due,
        ),
    )
