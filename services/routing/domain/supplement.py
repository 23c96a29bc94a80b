"""A supplement that changes the matter: the petition is looked at anew, and what it was before stays said."""

from collections.abc import Sequence
from datetime import datetime

from contracts import areas
from contracts.fact import Fact
from contracts.kinds import DecidedBy, Kind
from contracts.routing import (
    ConferenceGround,
    Occasion,
    PetitionRouted,
    PetitionSentToTriage,
    TriageReason,
)
from services.routing.domain.place import Docket, Place, Rules, as_reasons, is_settled, place
from services.routing.domain.reports import accused
from services.routing.domain.returns import exhausted, put
from services.routing.domain.route import Finding, asked
from services.routing.gazetteer import refine


def decide_again(docket: Docket, found: Finding, rules: Rules, now: datetime) -> Sequence[Fact]:
    """Route anew where the whole text now speaks surely for a body that nobody had thought of before.

    What became a report of wrongdoing goes to a person at once. What the joint conference decides or has
    decided stays with it, and so does what has its outcome.
    """
    own = docket.own
    here = place(docket)
    if here not in {Place.BODY, Place.TRIAGE} or is_settled(docket) or own.item is not None:
        return ()
    if found.kind is Kind.REPORT:
        known = own.kind is Kind.REPORT and here is Place.TRIAGE
        return () if known else (_asked(docket, found, TriageReason.REPORT, rules, now),)
    if not found.sure or found.body is None or found.body in _thought_of(docket):
        return ()
    if own.kind is Kind.REPORT or found.body in accused(docket):
        return ()
    if here is Place.TRIAGE:
        # A person is about to decide: he sees what the machine thinks now, in the time that he had.
        return (_asked(docket, found, own.guess.why if own.guess else TriageReason.UNSURE, rules, now),)
    if exhausted(docket, rules):
        return (put(docket, ConferenceGround.TRANSFERS_EXHAUSTED, None, None, rules, now),)
    return _routed(docket, found, rules, now)


def _thought_of(docket: Docket) -> set[object]:
    own, guess = docket.own, docket.own.guess
    return {own.body, *((guess.first, guess.second) if guess else ())}


def _routed(docket: Docket, found: Finding, rules: Rules, now: datetime) -> Sequence[Fact]:
    if docket.intake.due is None or found.body is None:
        return ()
    area = refine(docket.own.area or docket.intake.area, found.area)
    helpers = rules.helpers(docket, found.body, area)
    return (
        PetitionRouted(
            at=now,
            body=found.body,
            second=docket.own.body,
            domain=found.domain,
            area=areas.community(area),
            grid=areas.grid(area),
            kind=found.kind,
            joint=bool(helpers),
            co_handlers=helpers,
            reasons=as_reasons(found.reasons),
            confidence=found.confidence,
            decided_by=DecidedBy.MACHINE,
            transfer=docket.own.transfer + 1,
            rule_version=rules.lexicon_version,
            catalogue_version=rules.catalogue_version,
            due=docket.intake.due,
            occasion=Occasion.SUPPLEMENTED,
            urgency=found.urgency,
            urgent_phrase=found.urgent_phrase,
        ),
    )


def _asked(
    docket: Docket, found: Finding, why: TriageReason, rules: Rules, now: datetime
) -> PetitionSentToTriage:
    area = refine(docket.own.area or docket.intake.area, found.area)
    due = docket.own.triage_due or now + rules.triage_within
    return asked(found, why, area, due, rules, now).model_copy(update={"occasion": Occasion.SUPPLEMENTED})
