"""The triage desk's decision: a person says where a petition goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.bodies import Body
from contracts.fact import Fact
from contracts.kinds import Kind
from contracts.routing import ConferenceGround, Occasion, Office, PetitionReferred, TriageReason
from runtime.service import Refused
from services.routing.domain.place import Docket, Guess, Rules, as_reasons
from services.routing.domain.reports import refusal
from services.routing.domain.returns import Sending, exhausted, put, send


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a person at the desk puts right besides the place."""

    kind: Kind | None = None
    area: str | None = None


NOTHING: Final = Corrected()


def decide_triage(
    docket: Docket, to: Body | Office, by: str, rules: Rules, now: datetime, corrected: Corrected = NOTHING
) -> Sequence[Fact] | Refused:
    """A person decides what the machine did not, be it for an office outside the bodies (art. 22).

    A report of wrongdoing goes to no body unless he corrects the kind, and what has no area to no body unless
    he names it.
    """
    guess = docket.own.guess
    if docket.own.triage_due is None or guess is None or docket.intake.due is None:
        return Refused("not-in-triage")
    if refused := refusal(docket, to, corrected.kind):
        return refused
    if isinstance(to, Office):
        return (
            PetitionReferred(
                at=now,
                office=to,
                by=by,
                rule_version=rules.lexicon_version,
                catalogue_version=rules.catalogue_version,
            ),
        )
    if corrected.area is None and docket.own.area is None and docket.intake.area is None:
        return Refused("area-missing")
    if exhausted(docket, rules):
        return (put(docket, ConferenceGround.TRANSFERS_EXHAUSTED, None, by, rules, now),)
    same = to == guess.first
    sending = Sending(
        occasion=_occasion(docket, guess),
        reasons=as_reasons(guess.reasons) if same else (),
        second=guess.second if same else guess.first,
        kind=corrected.kind,
        area=corrected.area,
    )
    return send(docket, to, sending, rules, now)


def _occasion(docket: Docket, guess: Guess) -> Occasion | None:
    if guess.why is TriageReason.RETURNED:
        return Occasion.RETURNED
    return docket.own.history[-1].occasion if docket.own.history else None
