"""集中攻坚: a campaign as it was set up, which petitions its rule takes in, and what a common policy settles.

A campaign is no petition and has no stream: its definition is a document of routing. What happens to a
petition in it (joined, left, settled) is a fact of that petition, decided here on its docket (ADR 11).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce

from contracts import areas
from contracts.bodies import Body
from contracts.domains import Domain
from contracts.fact import Fact
from contracts.identity import received_at
from contracts.kinds import DecidedBy, Outcome
from contracts.routing import (
    CommonPolicyApplied,
    PetitionJoinedCampaign,
    PetitionLeftCampaign,
    PetitionRouted,
)
from runtime.service import Refused
from services.routing.domain.place import Docket, Place, Rules, evolve_own, is_settled, place
from services.routing.domain.reports import is_report
from services.routing.lexicon.wording import plain


@dataclass(frozen=True, slots=True)
class Rule:
    """Which petitions join by themselves: all that is given must fit; one phrase of several is enough.

    An area fits with everything that lies in it; the dates are those of the petition's submission.
    """

    bodies: tuple[Body, ...] = ()
    domains: tuple[Domain, ...] = ()
    areas: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    received_from: datetime | None = None
    received_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A batch: the leader `by` has one published policy applied to all members; `total` were there then.

    `skipped` could not be settled: they were with no body or had an outcome already.
    """

    code: str
    policy: str
    version: int
    sha256: str
    outcome: Outcome
    by: str
    at: datetime
    total: int
    skipped: int = 0
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Campaign:
    """A drive on one key field, from `begins` until `ends`.

    `rule_version` counts the changes of the rule; `searched` is the version that earlier petitions were
    looked through with. `worker` carries out its long work until `lease`; then another instance goes on.
    """

    code: str
    name: str
    field: str
    begins: datetime
    ends: datetime
    by: str
    changed_at: datetime
    rule: Rule | None = None
    rule_version: int = 1
    searched: int = 0
    orders: tuple[Order, ...] = ()
    worker: str = ""
    lease: datetime | None = None

    def runs(self, now: datetime) -> bool:
        """Whether petitions may join and be settled now."""
        return self.begins <= now < self.ends

    @property
    def under_way(self) -> Order | None:
        """The batch that is being settled; there is one at a time."""
        return self.orders[-1] if self.orders and self.orders[-1].done_at is None else None


def fits(rule: Rule, docket: Docket) -> bool:
    """Whether the rule takes the petition in."""
    own, received = docket.own, received_at(docket.petition)
    return (
        (not rule.bodies or own.body in rule.bodies)
        and (not rule.domains or own.domain in rule.domains)
        and (not rule.areas or any(areas.lies_in(own.area, area) for area in rule.areas))
        and (rule.received_from is None or rule.received_from <= received)
        and (rule.received_until is None or received < rule.received_until)
        and (not rule.phrases or _says(docket, rule.phrases))
    )


def _says(docket: Docket, phrases: Sequence[str]) -> bool:
    text = plain(f"{docket.dossier.title}\n{docket.dossier.content}")
    return any(plain(phrase) in text for phrase in phrases)


def with_rules(
    docket: Docket,
    decision: Sequence[Fact] | Refused,
    campaigns: Sequence[Campaign],
    rules: Rules,
    now: datetime,
) -> Sequence[Fact] | Refused:
    """Add to a decision that routes a petition that it joins the first campaign whose rule takes it in."""
    if isinstance(decision, Refused) or not campaigns:
        return decision
    if not any(isinstance(fact, PetitionRouted) for fact in decision):
        return decision
    routed = replace(docket, own=reduce(evolve_own, decision, docket.own))
    joined = (facts for campaign in campaigns if (facts := decide_rule(routed, campaign, rules, now)))
    return (*decision, *next(joined, ()))


def decide_rule(docket: Docket, campaign: Campaign, rules: Rules, now: datetime) -> Sequence[Fact]:
    """Let the petition join if the campaign's rule takes it in; never one that a person took out."""
    of = docket.own.membership
    if campaign.rule is None or not campaign.runs(now) or campaign.code in of.left:
        return ()
    if not of.free or _closed(docket) or not fits(campaign.rule, docket):
        return ()
    return (
        PetitionJoinedCampaign(
            at=now,
            campaign=campaign.code,
            decided_by=DecidedBy.MACHINE,
            rule_version=campaign.rule_version,
            routing_rule_version=rules.lexicon_version,
            catalogue_version=rules.catalogue_version,
        ),
    )


def decide_join(
    docket: Docket, campaign: Campaign, by: str, rules: Rules, now: datetime
) -> Sequence[Fact] | Refused:
    """A person puts the petition into a campaign; the same again changes nothing."""
    of = docket.own.membership
    if of.campaign == campaign.code:
        return ()
    if of.campaign:
        return Refused("in-another-campaign")
    if not campaign.runs(now):
        return Refused("campaign-not-running")
    if refusal := _closed(docket):
        return refusal
    return (
        PetitionJoinedCampaign(
            at=now,
            campaign=campaign.code,
            decided_by=DecidedBy.PERSON,
            by=by,
            routing_rule_version=rules.lexicon_version,
            catalogue_version=rules.catalogue_version,
        ),
    )


def decide_leave(
    docket: Docket, campaign: str, by: str, rules: Rules, now: datetime
) -> Sequence[Fact] | Refused:
    """A person takes the petition out, so that its body handles it by itself; not after it was settled."""
    of = docket.own.membership
    if of.campaign != campaign:
        return Refused("not-a-member")
    if of.settled:
        return Refused("already-settled")
    return (
        PetitionLeftCampaign(
            at=now,
            campaign=campaign,
            by=by,
            rule_version=rules.lexicon_version,
            catalogue_version=rules.catalogue_version,
        ),
    )


def decide_policy(
    docket: Docket, campaign: str, order: Order, rules: Rules, now: datetime
) -> Sequence[Fact] | Refused:
    """Apply a common policy to one member, once; mediation concludes and answers its case (art. 32)."""
    of = docket.own.membership
    if of.campaign != campaign:
        return Refused("not-a-member")
    if of.settled:
        return ()
    if refusal := _closed(docket):
        return refusal
    return (
        CommonPolicyApplied(
            at=now,
            campaign=campaign,
            order=order.code,
            policy=order.policy,
            version=order.version,
            sha256=order.sha256,
            outcome=order.outcome,
            by=order.by,
            rule_version=rules.lexicon_version,
            catalogue_version=rules.catalogue_version,
        ),
    )


def _closed(docket: Docket) -> Refused | None:
    """Say why a petition is for no campaign; a report of wrongdoing stays apart (art. 22, 30)."""
    own = docket.own
    if is_report(docket):
        return Refused("report-stays-apart")
    if own.membership.settled:
        return Refused("already-settled")
    if is_settled(docket):
        return Refused("already-concluded")
    # A body that objects may lose the petition: first it is decided whose it is.
    if place(docket) is not Place.BODY or own.return_due is not None:
        return Refused("not-with-a-body")
    return None
