"""Routing's rules: to which body, why, and when a person must look instead; cut by subject.

place: where a petition is · route: the first decision · triage: a person's · returns: a body objects ·
conference: the joint conference decides · reports: whom a report of wrongdoing never reaches ·
supplement: the matter becomes another · campaign: which drive it belongs to, and what settles it there ·
membership: the fold behind that
"""

from services.routing.domain.campaign import (
    Campaign,
    Order,
    Rule,
    decide_join,
    decide_leave,
    decide_policy,
    decide_rule,
    fits,
    with_rules,
)
from services.routing.domain.conference import (
    Resolution,
    decide_agenda,
    decide_escalation,
    decide_follow_up,
    decide_resolution,
)
from services.routing.domain.membership import Membership
from services.routing.domain.place import (
    Case,
    Decision,
    Docket,
    Dossier,
    Guess,
    Intake,
    Item,
    Move,
    Objection,
    Place,
    Routing,
    Rules,
    Term,
    body_of,
    evolve_dossier,
    evolve_intake,
    evolve_mediation,
    evolve_own,
    is_settled,
    place,
)
from services.routing.domain.reports import accused, is_report
from services.routing.domain.returns import decide_agreement, decide_objection, decide_refusal
from services.routing.domain.route import Finding, decide_route, ready
from services.routing.domain.supplement import decide_again
from services.routing.domain.triage import Corrected, decide_triage

__all__ = [
    "Campaign",
    "Case",
    "Corrected",
    "Decision",
    "Docket",
    "Dossier",
    "Finding",
    "Guess",
    "Intake",
    "Item",
    "Membership",
    "Move",
    "Objection",
    "Order",
    "Place",
    "Resolution",
    "Routing",
    "Rule",
    "Rules",
    "Term",
    "accused",
    "body_of",
    "decide_again",
    "decide_agenda",
    "decide_agreement",
    "decide_escalation",
    "decide_follow_up",
    "decide_join",
    "decide_leave",
    "decide_objection",
    "decide_policy",
    "decide_refusal",
    "decide_resolution",
    "decide_route",
    "decide_rule",
    "decide_triage",
    "evolve_dossier",
    "evolve_intake",
    "evolve_mediation",
    "evolve_own",
    "fits",
    "is_report",
    "is_settled",
    "place",
    "ready",
    "with_rules",
]
