"""Routing's rules: to which body, why, and when a person must look instead; cut by subject.

place: what is known of a petition · route: the first decision · triage: a person's decision
"""

from services.routing.domain.place import (
    Docket,
    Dossier,
    Guess,
    Intake,
    Routing,
    Rules,
    Term,
    evolve_dossier,
    evolve_intake,
    evolve_own,
)
from services.routing.domain.route import Finding, decide_route, ready
from services.routing.domain.triage import decide_triage

__all__ = [
    "Docket",
    "Dossier",
    "Finding",
    "Guess",
    "Intake",
    "Routing",
    "Rules",
    "Term",
    "decide_route",
    "decide_triage",
    "evolve_dossier",
    "evolve_intake",
    "evolve_own",
    "ready",
]
