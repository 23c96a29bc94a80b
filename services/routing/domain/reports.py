"""Reports of wrongdoing (检举控告): to discipline inspection, and never to whoever is accused (art. 22, 30).

Who is named in a report counts as accused: that keeps a body out too often rather than once too seldom.
"""

from contracts.bodies import Body
from contracts.kinds import Kind
from contracts.routing import Office, TriageReason
from contracts.units import roster
from runtime.service import Refused
from services.routing.domain.place import Docket
from services.routing.lexicon.wording import plain


def is_report(docket: Docket) -> bool:
    """Whether the machine or a person ever took the petition for a report of wrongdoing."""
    guess = docket.own.guess
    reported = guess is not None and (guess.kind is Kind.REPORT or guess.why is TriageReason.REPORT)
    return (
        reported
        or docket.own.kind is Kind.REPORT
        or any(move.reason == TriageReason.REPORT for move in docket.own.history)
    )


def accused(docket: Docket) -> frozenset[str]:
    """Return the codes of the units and bodies that a report names, and of the bodies that they belong to."""
    if not is_report(docket):
        return frozenset()
    named = roster().named_in(plain(f"{docket.dossier.title}\n{docket.dossier.content}"))
    return named | roster().bodies_of(named)


def refusal(docket: Docket, to: Body | Office, kind: Kind | None) -> Refused | None:
    """Refuse a body for a report, also one that a person finds it to be, and the accused in any case.

    What a person says to be none is none.
    """
    if to is Office.DISCIPLINE_INSPECTION:
        return None  # most reports name it as the one that they ask for help
    if isinstance(to, Office):
        return Refused("body-accused") if to in accused(docket) else None
    if to in accused(docket):
        return Refused("body-accused")
    if kind is Kind.REPORT or (kind is None and is_report(docket)):
        return Refused("report-of-wrongdoing")
    return None


def keep_away(docket: Docket, helpers: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out of the helpers who is accused."""
    away = accused(docket)
    return tuple(helper for helper in helpers if helper not in away)
