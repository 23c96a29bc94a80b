"""Who a message is for, and at which number: the dossier's people and the operator's staff."""

from collections.abc import Sequence

from services.notify.docket import Docket
from services.notify.notices import Audience
from services.notify.rules import Rules

PETITIONER = ""


def of(rules: Rules, docket: Docket, audience: Audience) -> Sequence[str]:
    """Return the recipients' keys; "" is the petitioner. Without a directory no staff are told."""
    match audience:
        case Audience.PETITIONER:
            return (PETITIONER,)
        case Audience.HANDLER | Audience.SUPERIOR:
            return (str(audience),) if rules.staff.people else ()
        case Audience.REPRESENTATIVES | Audience.CO_SIGNERS:
            first = "r" if audience is Audience.REPRESENTATIVES else "c"
            keys = (key for key in docket.dossier.others if key.startswith(first))
            return sorted(keys, key=lambda key: int(key[1:]))


def phone(rules: Rules, docket: Docket, recipient: str) -> str:
    """Return a recipient's number as it was written; "" if there is none (yet, or any more)."""
    case = docket.mediation
    match recipient:
        case "":
            return docket.dossier.phone
        case Audience.HANDLER:
            return rules.staff.handler(case.handler, case.body) or ""
        case Audience.SUPERIOR:
            return rules.staff.superior(case.handler, case.body) or ""
        case _:
            return docket.dossier.others.get(recipient, "")


def is_staff(recipient: str) -> bool:
    """Whether a recipient is of the office's directory, not of the dossier."""
    return recipient in {Audience.HANDLER, Audience.SUPERIOR}


def audience(recipient: str) -> Audience:
    """Return whom a recipient's key stands for."""
    if is_staff(recipient):
        return Audience(recipient)
    return {"": Audience.PETITIONER, "r": Audience.REPRESENTATIVES}.get(recipient[:1], Audience.CO_SIGNERS)
