"""Makes of a claimed message what a gateway takes: the number, the words, the digits for replies."""

from datetime import datetime
from zlib import crc32

from services.notify import numbers, recipients, segments
from services.notify.docket import Docket
from services.notify.ledger import Going
from services.notify.messages import Sms
from services.notify.sms import Attempt, NotSent, Outbound
from services.notify.standing import Standing
from services.notify.texts import Part, Rendered, Texts
from services.notify.turns import reference, unique


class Writer:
    """Writes messages by the texts and the rules that hold now."""

    def __init__(self, texts: Texts, standing: Standing, sign: str) -> None:
        self._texts, self._standing, self._sign = texts, standing, sign

    def write(
        self, docket: Docket, message: Sms, lease_until: datetime, digits: int
    ) -> tuple[Going, Outbound, int] | NotSent:
        """Write a message and count its segments; `digits` is how many may follow the sender's number."""
        rules = self._standing.rules
        contact = numbers.read(recipients.phone(rules, docket, message.recipient))
        if isinstance(contact, numbers.Unusable):
            # Between the claim and now the dossier was erased or changed.
            return NotSent("no-contact")
        rendered = self._rendered(docket, message)
        if rendered is None:
            return NotSent("text-missing")
        notice = rules.notice(message.template)
        name = unique(docket.petition, message.message)
        question = notice is not None and notice.question
        extension = _extension(name, digits) if question else ""
        going = Going(
            to=contact.e164,
            petition=docket.petition,
            message=message.message,
            template=message.template,
            statutory=notice is None or notice.statutory,
            question=question,
            extension=extension,
        )
        outbound = Outbound(
            reference=reference(docket.petition, message.message, message.attempt),
            unique=name,
            petition=docket.petition,
            to=contact.e164,
            template=message.template,
            params=rendered.params,
            text=rendered.text,
            sign=self._sign,
            lease_until=lease_until,
            extension=extension,
            valid_until=message.valid_until,
            version=message.version,
        )
        return going, outbound, self._count(rendered)

    def segments(self, docket: Docket, message: Sms) -> int:
        """Return in how many segments a message leaves; 0 for one that cannot be rendered any more."""
        rendered = self._rendered(docket, message)
        return self._count(rendered) if rendered else 0

    def _count(self, rendered: Rendered) -> int:
        return segments.count(f"【{self._sign}】{rendered.text}")

    def attempt(self, docket: Docket, message: Sms) -> Attempt:
        """Return what a gateway is asked about."""
        contact = numbers.read(recipients.phone(self._standing.rules, docket, message.recipient))
        return Attempt(
            reference=reference(docket.petition, message.message, message.attempt),
            unique=unique(docket.petition, message.message),
            to=contact.e164 if isinstance(contact, numbers.Usable) else "",
            at=message.changed_at,
        )

    def _rendered(self, docket: Docket, message: Sms) -> Rendered | None:
        """Fill in the text, with what was joined into it."""
        said = [message, *(other for other in docket.own.messages if other.into == message.message)]
        parts = [
            Part(one.template, one.version, one.cause, values)
            for one in said
            if (values := docket.values(one.cause)) is not None
        ]
        if len(parts) > 1:
            return self._texts.render_joined(docket.petition, parts)
        if not parts:
            return None
        return self._texts.render(message.template, message.version, docket.petition, parts[0].values)


def _extension(name: str, digits: int) -> str:
    """Return the digits behind the sender's number by which a reply names its question."""
    return f"{crc32(name.encode()) % 10**digits:0{digits}d}" if digits else ""
