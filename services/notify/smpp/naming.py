"""Gives each reply an id that stays the same when the centre repeats it; SMPP itself gives none.

Two equal texts from one number are the same reply until the centre surely knows that we have the first one.
What was acknowledged shortly before the connection broke is in doubt, since the acknowledgement may not have
arrived. The id is made from number, text and hour with a key that only this account has: after a crash, when
memory is gone, a repeat within the hour still gets the same id, and nobody can find a number by trying all of
them.
"""

import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

MOST_REMEMBERED: Final = 20_000
DOUBT: Final = timedelta(seconds=60)
HOUR: Final = timedelta(hours=1)


def key(secret: str, salt: str) -> bytes:
    """Return a key that does not give the secret away. Slow on purpose: a tenth of a second, once."""
    return hashlib.scrypt(secret.encode(), salt=salt.encode(), n=1 << 14, r=8, p=1, dklen=32)


@dataclass(slots=True)
class _Named:
    id: str
    hour: int
    count: int
    known_since: datetime | None = None  # when it was acknowledged


class Names:
    """Remembers the last ones; see above."""

    def __init__(self, secret: bytes, most: int = MOST_REMEMBERED) -> None:
        self._key, self._most = secret, most
        self._named: OrderedDict[bytes, _Named] = OrderedDict()

    def __len__(self) -> int:
        return len(self._named)

    def print_of(self, *what: bytes) -> bytes:
        """Return what two equal replies have in common."""
        joined = b"".join(len(part).to_bytes(4, "big") + part for part in what)
        return hmac.digest(self._key, joined, "sha256")[:15]

    def name(self, fingerprint: bytes, now: datetime) -> str:
        """Return the id of a reply that has just come, for the first time or again."""
        named = self._named.pop(fingerprint, None)
        if named is None or named.known_since is not None:
            hour = int(now.timestamp()) // int(HOUR.total_seconds())
            count = named.count + 1 if named is not None and named.hour == hour else 0
            named = _Named(f"{fingerprint.hex()}.{hour}.{count}", hour, count)
        self._named[fingerprint] = named
        if len(self._named) > self._most:
            self._named.popitem(last=False)
        return named.id

    def acknowledged(self, fingerprint: bytes, now: datetime) -> None:
        """Note that the centre has been told that we have it."""
        if named := self._named.get(fingerprint):
            named.known_since = now

    def disconnected(self, now: datetime) -> None:
        """Doubt whether the last acknowledgements arrived."""
        for named in reversed(self._named.values()):
            if named.known_since is not None and named.known_since > now - DOUBT:
                named.known_since = None
