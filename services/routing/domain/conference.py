"""联席会议: what is put before it, what it decides (and that binds), and whether that was carried out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.bodies import Body
from contracts.fact import Fact
from contracts.kinds import Kind
from contracts.routing import (
    ConferenceDecided,
    ConferenceFollowedUp,
    ConferenceGround,
    FollowUp,
    Occasion,
    PetitionEscalated,
    Tier,
)
from runtime.service import Refused
from services.routing.domain.place import Docket, Place, Rules, is_settled, place
from services.routing.domain.reports import accused, is_report
from services.routing.domain.returns import Sending, put, send

TIERS = (Tier.TOWNSHIP, Tier.COUNTY, Tier.CITY, Tier.PROVINCE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """What the conference decided: who leads, who helps, until when, and when its office looks again."""

    lead: Body
    helpers: tuple[str, ...]
    finish_by: datetime
    follow_up_at: datetime


def decide_agenda(
    docket: Docket, why: ConferenceGround, group: str | None, by: str, rules: Rules, now: datetime
) -> Sequence[Fact] | Refused:
    """Put a petition on the agenda, wherever it is, unless it has its outcome or is not ours any more."""
    if docket.intake.due is None or place(docket) is None:
        return Refused("not-routed-yet")
    match place(docket):
        case Place.CONFERENCE:
            return Refused("already-on-agenda")
        case Place.DISCIPLINE | Place.ENDED:
            return Refused("already-ended")
    if is_settled(docket):
        return Refused("already-ended")
    if is_report(docket) and docket.own.body is None:
        return Refused("report-of-wrongdoing")
    return (put(docket, why, group, by, rules, now),)


def decide_resolution(
    docket: Docket, resolution: Resolution, by: str, rules: Rules, now: datetime
) -> Sequence[Fact] | Refused:
    """The conference decides; the petition goes to the lead, and neither he nor a helper can return it."""
    item = docket.own.item
    if place(docket) is not Place.CONFERENCE or item is None:
        return Refused("not-on-agenda")
    if {resolution.lead, *resolution.helpers} & accused(docket):
        return Refused("body-accused")
    if not now < resolution.follow_up_at <= resolution.finish_by:
        return Refused("dates-out-of-order")
    decided = ConferenceDecided(
        at=now,
        item=item.number,
        lead=resolution.lead,
        helpers=resolution.helpers,
        finish_by=resolution.finish_by,
        follow_up_at=resolution.follow_up_at,
        by=by,
        rule_version=rules.lexicon_version,
        catalogue_version=rules.catalogue_version,
    )
    # What was taken for a report comes here only if a person at the desk said that it is none
    # (`reports.refusal`). The fact that brought it here does not carry that word, so it is said now.
    kind = Kind.REQUEST if docket.own.kind is Kind.REPORT else None
    sending = Sending(
        occasion=Occasion.CONFERENCE, helpers=resolution.helpers, conference=item.number, kind=kind
    )
    return (decided, *send(docket, resolution.lead, sending, rules, now))


def decide_follow_up(
    docket: Docket, result: FollowUp, next_at: datetime | None, by: str, rules: Rules, now: datetime
) -> Sequence[Fact] | Refused:
    """The conference's office looked: what is not done gets a day on which it looks again."""
    own = docket.own
    if own.follow_up_at is None or own.item is None:
        return Refused("nothing-to-follow-up")
    if (result is FollowUp.DONE) != (next_at is None) or (next_at is not None and next_at <= now):
        return Refused("next-date-wrong")
    return (
        ConferenceFollowedUp(
            at=now,
            item=own.item.number,
            result=result,
            next_at=next_at,
            by=by,
            rule_version=rules.lexicon_version,
            catalogue_version=rules.catalogue_version,
        ),
    )


def decide_escalation(
    docket: Docket, to: Tier, by: str, rules: Rules, now: datetime
) -> Sequence[Fact] | Refused:
    """The matter goes up a tier, which is counted; it never goes up without being stated, and never down."""
    own = docket.own
    if place(docket) in {None, Place.DISCIPLINE, Place.ENDED} or is_settled(docket):
        return Refused("already-ended")
    tier = own.tier or Tier.COUNTY
    if TIERS.index(to) <= TIERS.index(tier):
        return Refused("not-a-higher-tier")
    return (
        PetitionEscalated(
            at=now,
            number=own.escalations + 1,
            from_tier=tier,
            to_tier=to,
            by=by,
            rule_version=rules.lexicon_version,
            catalogue_version=rules.catalogue_version,
        ),
    )
