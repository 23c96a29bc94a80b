"""The random keys of this machine's system, made once and kept in a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from local.trouble import LocalError

PRIVATE = 0o600
BYTES = 32


@dataclass(frozen=True)
class Secrets:
    """`staff_key` signs staff tokens (HS256); `code_secret` goes into every hash of a query code."""

    staff_key: str
    code_secret: str

    def __repr__(self) -> str:
        return "Secrets(…)"


def load(state: Path) -> Secrets:
    """Read `secrets.env`, making it first if it is not there."""
    path = state / "secrets.env"
    if not path.exists():
        state.mkdir(parents=True, exist_ok=True)
        draft = state / f"secrets.env.{os.getpid()}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "w") as file:
            file.write(f"STAFF_KEY={secrets.token_urlsafe(BYTES)}\n")
            file.write(f"INTAKE_CODE_SECRET={secrets.token_urlsafe(BYTES)}\n")
        draft.rename(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    try:
        return Secrets(values["STAFF_KEY"], values["INTAKE_CODE_SECRET"])
    except KeyError as error:
        raise LocalError(
            f"{path} lacks {error.args[0]}.",
            "put it back from a copy; with a new one, all tokens or query codes given out are useless.",
        ) from error
