"""Routing's rules: to which body, why, and when a person must look instead; cut by subject.

place: where a petition is · route: the first decision · triage: a person's · returns: a body objects ·
conference: the joint conference decides · reports: whom a report of wrongdoing never reaches ·
supplement: the matter becomes another
"""

from services.routing.domain.conference import (
    Resolution,
    decide_agenda,
    decide_escalation,
    decide_follow_up,
    decide_resolution,
)
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
    "Case",
    "Corrected",
    "Decision",
    "Docket",
    "Dossier",
    "Finding",
    "Guess",
    "Intake",
    "Item",
    "Move",
    "Objection",
    "Place",
    "Resolution",
    "Routing",
    "Rules",
    "Term",
    "accused",
    "body_of",
    "decide_again",
    "decide_agenda",
    "decide_agreement",
    "decide_escalation",
    "decide_follow_up",
    "decide_objection",
    "decide_refusal",
    "decide_resolution",
    "decide_route",
    "decide_triage",
    "evolve_dossier",
    "evolve_intake",
    "evolve_mediation",
    "evolve_own",
    "is_report",
    "is_settled",
    "place",
    "ready",
]
