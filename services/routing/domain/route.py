"""The first decision: what the classifier is sure of goes to a body, all else to a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts import areas
from contracts.bodies import Body
from contracts.domains import Domain
from contracts.fact import Fact
from contracts.kinds import DecidedBy, Kind, Urgency
from contracts.routing import PetitionRouted, PetitionSentToTriage, TriageReason
from services.routing.domain.place import Docket, Rules, Term, as_reasons
from services.routing.gazetteer import refine


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What the classifier says of one text, in the contract's words; `sure` if no person need look."""

    body: Body | None
    second: Body | None
    domain: Domain | None
    area: str | None
    kind: Kind
    joint: bool
    confidence: float
    reasons: tuple[Term, ...]
    sure: bool
    urgency: Urgency | None = None
    urgent_phrase: str | None = None


def ready(docket: Docket) -> bool:
    """Whether both streams have brought what a first decision needs, and none was made."""
    return docket.intake.due is not None and bool(docket.dossier.content) and not docket.own.begun


def decide_route(docket: Docket, found: Finding, rules: Rules, now: datetime) -> Sequence[Fact]:
    """转送/交办: route what the classifier is sure of; the rest goes to a person.

    So does what it takes for a report, or what may be one against officials (art. 22, 30).
    """
    if not ready(docket) or docket.intake.due is None:
        return ()
    area = refine(docket.intake.area, found.area)
    if found.sure and found.body is not None and found.kind is not Kind.REPORT and area is not None:
        helpers = rules.helpers(docket, found.body, area)
        if not helpers and found.joint and found.second:
            helpers = (found.second,)
        return (
            PetitionRouted(
                at=now,
                body=found.body,
                second=found.second,
                domain=found.domain,
                area=areas.community(area),
                grid=areas.grid(area),
                kind=found.kind,
                joint=found.joint or bool(helpers),
                co_handlers=helpers,
                reasons=as_reasons(found.reasons),
                confidence=found.confidence,
                decided_by=DecidedBy.MACHINE,
                transfer=1,
                rule_version=rules.lexicon_version,
                catalogue_version=rules.catalogue_version,
                due=docket.intake.due,
                urgency=found.urgency,
                urgent_phrase=found.urgent_phrase,
            ),
        )
    return (asked(found, _why(found), area, now + rules.triage_within, rules, now),)


def asked(
    found: Finding, why: TriageReason, area: str | None, due: datetime, rules: Rules, now: datetime
) -> PetitionSentToTriage:
    """Ask a person, who sees what the classifier thinks and until when he has."""
    return PetitionSentToTriage(
        at=now,
        why=why,
        first=found.body,
        second=found.second,
        domain=found.domain,
        area=areas.community(area),
        grid=areas.grid(area),
        kind=found.kind,
        reasons=as_reasons(found.reasons),
        confidence=found.confidence,
        rule_version=rules.lexicon_version,
        catalogue_version=rules.catalogue_version,
        due=due,
        urgency=found.urgency,
        urgent_phrase=found.urgent_phrase,
    )


def _why(found: Finding) -> TriageReason:
    if found.kind is Kind.REPORT:
        return TriageReason.REPORT
    if found.sure:
        return TriageReason.AREA_UNKNOWN
    return TriageReason.UNSURE if found.body else TriageReason.NO_BODY
