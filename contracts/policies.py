"""The common policies (共性政策) that the city has published, with the hash that every fact about one names.

They are official publications and data that the operator adds to: `data/policies.toml`. What was published is
never edited, since petitions were answered by it: a changed text is a new version beside the old one.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from contracts.fact import Code
from contracts.kinds import Outcome

POLICIES_FILE: Final = Path(__file__).parent / "data" / "policies.toml"
_FIELDS: Final = ("code", "version", "outcome", "title", "issued", "basis", "text")
_CODE: Final[TypeAdapter[str]] = TypeAdapter(Code)


class PolicyError(ValueError):
    """The file of policies is wrong; the message names the policy and what to do."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One published policy; `outcome` is what each petition gets that it settles, `issued` its day."""

    code: str
    version: int
    outcome: Outcome
    title: str
    issued: str
    basis: str
    text: str

    @property
    def sha256(self) -> str:
        """Return the hash of everything that was published."""
        parts = (self.code, str(self.version), self.outcome, self.title, self.issued, self.basis, self.text)
        return sha256("\n".join(parts).encode()).hexdigest()


def read(path: Path = POLICIES_FILE) -> dict[tuple[str, int], Policy]:
    """Read and check a file of policies, by code and version; raises PolicyError."""
    try:
        rows = tomllib.loads(path.read_text("utf-8")).get("policy", [])
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{path.name} is not TOML: {error}") from error
    found: dict[tuple[str, int], Policy] = {}
    for number, row in enumerate(rows, start=1):
        policy = _policy(row, f"{path.name}, policy {number}")
        if found.setdefault((policy.code, policy.version), policy) is not policy:
            raise PolicyError(f"{path.name}: {policy.code} has version {policy.version} twice")
    return found


@cache
def published() -> dict[tuple[str, int], Policy]:
    """Return the policies that this release knows."""
    return read()


def title(code: str, version: int) -> str:
    """Return the title that people read; the code itself where this release does not know the policy yet."""
    policy = published().get((code, version))
    return policy.title if policy else code


def _policy(row: dict[str, object], place: str) -> Policy:
    if missing := [name for name in _FIELDS if row.get(name) in (None, "")]:
        raise PolicyError(f"{place} lacks {', '.join(missing)}")
    if unknown := sorted(set(row) - set(_FIELDS)):
        raise PolicyError(f"{place} has {', '.join(unknown)}, which no policy has")
    version = row["version"]
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise PolicyError(f"{place}: version is a whole number from 1")
    try:
        code, outcome = _CODE.validate_python(row["code"]), Outcome(str(row["outcome"]))
    except ValidationError:
        raise PolicyError(f"{place}: the code is letters, digits and . _ : - only") from None
    except ValueError:
        raise PolicyError(f"{place}: outcome is one of {', '.join(Outcome)}") from None
    words = {name: str(row[name]).strip() for name in ("title", "issued", "basis", "text")}
    return Policy(code, version, outcome, **words)
