"""退回: a body objects, the router decides, and where a petition goes that a body gave back.

Nobody sends a petition on for ever: after `most_transfers` bodies the joint conference decides (art. 24).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts import areas
from contracts.bodies import Body
from contracts.fact import Fact
from contracts.kinds import DecidedBy, Kind
from contracts.mediation import CaseReturned
from contracts.routing import (
    ConferenceGround,
    Occasion,
    PetitionPutToConference,
    PetitionRouted,
    PetitionSentToTriage,
    Reason,
    ReturnAgreed,
    ReturnGround,
    ReturnReceived,
    ReturnRefused,
    TriageReason,
)
from runtime.service import Refused
from services.routing.domain.place import Docket, Rules, as_reasons, is_settled
from services.routing.domain.reports import accused, keep_away


def decide_objection(docket: Docket, objection: CaseReturned, rules: Rules, now: datetime) -> Sequence[Fact]:
    """Lay a body's objection before the router, if the petition is still with that body."""
    own = docket.own
    here = own.body == objection.body and own.transfer == objection.transfer
    if not here or own.return_due is not None or is_settled(docket):
        return ()
    until = objection.return_by
    return (
        ReturnReceived(
            at=now,
            body=objection.body,
            transfer=objection.transfer,
            reason=objection.reason,
            suggested=objection.suggested,
            timely=None if until is None else objection.at < until,
            due=now + rules.return_within,
            rule_version=rules.lexicon_version,
            catalogue_version=rules.catalogue_version,
        ),
    )


def decide_refusal(
    docket: Docket, ground: ReturnGround, by: str, rules: Rules, now: datetime
) -> Sequence[Fact] | Refused:
    """The router refuses the objection: the body keeps the petition, and is told why."""
    own = docket.own
    if own.return_due is None or own.body is None:
        return Refused("no-return-pending")
    return (
        ReturnRefused(
            at=now,
            body=own.body,
            transfer=own.transfer,
            ground=ground,
            by=by,
            rule_version=rules.lexicon_version,
            catalogue_version=rules.catalogue_version,
        ),
    )


def decide_agreement(
    docket: Docket, to: Body | None, by: str, rules: Rules, now: datetime
) -> Sequence[Fact] | Refused:
    """The router agrees: the petition goes to another body or, without one, back to the triage desk."""
    own = docket.own
    if own.return_due is None or own.objection is None or own.body is None:
        return Refused("no-return-pending")
    if to == own.body:
        return Refused("same-body")
    if to in accused(docket):
        return Refused("body-accused")
    agreed = ReturnAgreed(
        at=now,
        body=own.body,
        transfer=own.transfer,
        reason=own.objection.reason,
        by=by,
        rule_version=rules.lexicon_version,
        catalogue_version=rules.catalogue_version,
    )
    if exhausted(docket, rules):
        return (agreed, put(docket, ConferenceGround.TRANSFERS_EXHAUSTED, None, None, rules, now))
    if to is None:
        return (agreed, _back_to_triage(docket, own.objection.suggested, rules, now))
    return (agreed, *send(docket, to, Sending(occasion=Occasion.RETURNED), rules, now))


def exhausted(docket: Docket, rules: Rules) -> bool:
    """Whether the petition has been with as many bodies as it may be without the joint conference."""
    return docket.own.transfer >= rules.most_transfers


def put(
    docket: Docket, why: ConferenceGround, group: str | None, by: str | None, rules: Rules, now: datetime
) -> PetitionPutToConference:
    """Make the next item on the conference's agenda."""
    number = docket.own.item.number + 1 if docket.own.item else 1
    return PetitionPutToConference(
        at=now,
        item=number,
        ground=why,
        group=group,
        by=by,
        due=now + rules.conference_within,
        rule_version=rules.lexicon_version,
        catalogue_version=rules.catalogue_version,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Sending:
    """What stands in the fact beside the body: on what occasion, why, and who helps."""

    occasion: Occasion | None
    reasons: tuple[Reason, ...] = ()
    second: Body | None = None
    helpers: tuple[str, ...] = ()
    conference: int | None = None
    kind: Kind | None = None
    area: str | None = None


def send(docket: Docket, to: Body, sending: Sending, rules: Rules, now: datetime) -> Sequence[Fact]:
    """A person sends the petition to a body; nothing happens before its acceptance is known."""
    own = docket.own
    if docket.intake.due is None:
        return ()
    area = sending.area or own.area or docket.intake.area
    helpers = keep_away(docket, sending.helpers or rules.helpers(docket, to, area))
    return (
        PetitionRouted(
            at=now,
            body=to,
            second=sending.second,
            domain=own.domain,
            area=areas.community(area),
            grid=areas.grid(area),
            kind=sending.kind or own.kind or Kind.REQUEST,
            joint=bool(helpers),
            co_handlers=helpers,
            reasons=sending.reasons,
            decided_by=DecidedBy.PERSON,
            transfer=own.transfer + 1,
            rule_version=rules.lexicon_version,
            catalogue_version=rules.catalogue_version,
            due=docket.intake.due,
            occasion=sending.occasion,
            conference=sending.conference,
            urgency=own.urgency,
            urgent_phrase=own.urgent_phrase,
        ),
    )


def _back_to_triage(
    docket: Docket, suggested: Body | None, rules: Rules, now: datetime
) -> PetitionSentToTriage:
    """Ask the desk again, with what the machine and the body think; never with the body that objected."""
    own, guess = docket.own, docket.own.guess
    thought = (suggested, guess.first if guess else None, guess.second if guess else None)
    bodies = list(dict.fromkeys(body for body in thought if body is not None and body != own.body))
    return PetitionSentToTriage(
        at=now,
        why=TriageReason.RETURNED,
        first=bodies[0] if bodies else None,
        second=bodies[1] if len(bodies) > 1 else None,
        domain=own.domain,
        area=areas.community(own.area),
        grid=areas.grid(own.area),
        kind=own.kind or Kind.REQUEST,
        reasons=as_reasons(guess.reasons) if guess and bodies and bodies[0] == guess.first else (),
        confidence=0,
        rule_version=rules.lexicon_version,
        catalogue_version=rules.catalogue_version,
        due=now + rules.triage_within,
        occasion=Occasion.RETURNED,
        urgency=own.urgency,
        urgent_phrase=own.urgent_phrase,
    )
