"""Query codes: ten digits with which a petitioner looks up his petition; only a salted, keyed hash is kept.

A code is made from the request's key by a keyed hash, so that a repeated request gets the same code back
although nobody stores it. A request without an Idempotency-Key gets a random key first.
"""

import hmac
import unicodedata
from hashlib import sha256
from typing import Final

DIGITS: Final = 10


class Codes:
    """Makes and checks codes with intake's secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def keyed(self, purpose: str, text: str) -> str:
        """Return the keyed hash (hex) of `text`; hashes for different purposes have nothing in common."""
        return hmac.new(self._secret, f"{purpose}\0{text}".encode(), sha256).hexdigest()

    def code(self, request: str) -> str:
        """Return the query code of a request, for example `4827193506`."""
        return str(int(self.keyed("code", request), 16) % 10**DIGITS).zfill(DIGITS)

    def hash(self, salt: str, code: str) -> str:
        """Return what is kept of a code."""
        return self.keyed("hash", f"{salt}\0{code}")

    def fits(self, said: str, *, salt: str, kept: str) -> bool:
        """Tell in constant time whether `said` (as people type it) is the code that `kept` was made from."""
        # Full-width digits come from Chinese keyboards, spaces and dashes from the receipt.
        digits = "".join(c for c in unicodedata.normalize("NFKC", said[:64]) if c.isdecimal() and c.isascii())
        return hmac.compare_digest(self.hash(salt, digits), kept or "0" * 64)


def shown(code: str) -> str:
    """Return a code in groups that are easy to read out: `482 719 3506`."""
    return f"{code[:3]} {code[3:6]} {code[6:]}"
