"""The case as the law sees it: what opens it, who may take which step when, what is late; all of it pure.

Facts of intake and routing come in through `evolve_intake` and `evolve_routing`; what `decide_…` answers is
stated, folded by `evolve_own`, and goes out on `petition-mediation-v1` and to the body's own topic. Cut by
subject: case: what is known · folds: how facts change it · opening: what opens and what settles it at once ·
returns: a body objects · steps: from acceptance to answer · overdue: what is late
"""

from services.mediation.domain.case import (
    Asker,
    Case,
    Decision,
    Docket,
    Intake,
    Policy,
    Refusal,
    Routing,
    Session,
    State,
    mirrors,
)
from services.mediation.domain.folds import evolve_intake, evolve_own, evolve_routing
from services.mediation.domain.opening import decide_opened_by_policy, decide_opening, decide_policy
from services.mediation.domain.overdue import decide_overdue, next_deadline
from services.mediation.domain.returns import decide_handing_back, decide_keeping, decide_return
from services.mediation.domain.steps import (
    decide_acceptance,
    decide_answer,
    decide_conclusion,
    decide_rating,
    decide_session,
)

__all__ = [
    "Asker",
    "Case",
    "Decision",
    "Docket",
    "Intake",
    "Policy",
    "Refusal",
    "Routing",
    "Session",
    "State",
    "decide_acceptance",
    "decide_answer",
    "decide_conclusion",
    "decide_handing_back",
    "decide_keeping",
    "decide_opened_by_policy",
    "decide_opening",
    "decide_overdue",
    "decide_policy",
    "decide_rating",
    "decide_return",
    "decide_session",
    "evolve_intake",
    "evolve_own",
    "evolve_routing",
    "mirrors",
    "next_deadline",
]
