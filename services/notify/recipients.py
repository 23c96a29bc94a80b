"""Who a message is for, and at which number: the dossier's people and the operator's staff."""

from collections.abc import Sequence

from services.notify.docket import Docket
from services.notify.notices import Audience
from services.notify.rules import Rules

HANDLER, SUPERIOR = "handler", "superior"
PETITIONER = ""


def of(docket: Docket, audience: Audience) -> Sequence[str]:
    """Return the recipients' keys; "" is the petitioner."""
    match audience:
        case Audience.PETITIONER:
            return (PETITIONER,)
        case Audience.HANDLER | Audience.SUPERIOR:
            return (HANDLER if audience is Audience.HANDLER else SUPERIOR,)
        case Audience.REPRESENTATIVES | Audience.CO_SIGNERS:
            first = "r" if audience is Audience.REPRESENTATIVES else "c"
            keys = (key for key in docket.dossier.others if key.startswith(first))
            return sorted(keys, key=lambda key: int(key[1:]))


def phone(rules: Rules, docket: Docket, recipient: str) -> str:
    """Return a recipient's number as it was written; "" if there is none (yet, or any more)."""
    if recipient == PETITIONER:
        return docket.dossier.phone
    if recipient in {HANDLER, SUPERIOR}:
        return rules.staff.get(_staff(rules, docket, recipient), "")
    return docket.dossier.others.get(recipient, "")


def _staff(rules: Rules, docket: Docket, recipient: str) -> str:
    """Return the code of the handler, or of who is above him or, while nobody handles it, above the body."""
    case = docket.mediation
    return case.handler if recipient == HANDLER else rules.superiors.get(case.handler or case.body, "")
