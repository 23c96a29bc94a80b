"""Mints staff tokens for the system on this machine, signed with the key that its services verify with."""

from __future__ import annotations

import time
from datetime import timedelta

import jwt

ROLES = ("clerk", "router", "mediator", "leader", "operator", "auditor")
SHIFT = timedelta(hours=12)


def mint(
    key: str,
    *,
    role: str,
    who: str = "local-staff",
    body: str | None = None,
    unit: str | None = None,
    lasting: timedelta = SHIFT,
) -> str:
    """A JWT (HS256) that says who asks, in which role, for which body and unit, and until when."""
    claims: dict[str, str | int] = {
        "sub": who,
        "role": role,
        "exp": int(time.time() + lasting.total_seconds()),
    }
    if body is not None:
        claims["body"] = body
    if unit is not None:
        claims["unit"] = unit
    return jwt.encode(claims, key, algorithm="HS256")
