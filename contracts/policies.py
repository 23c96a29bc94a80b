"""The common policies (共性政策) that the city has published, with the hash that every fact about one names.

They are official publications and data that the operator adds to: `data/policies.toml`, or the file that the
environment's COMMON_POLICIES names. A new one counts as soon as somebody looks; a broken edit is not taken
(contracts/edited.py). What was published is never edited, since petitions were answered by it: a changed text
is a new version beside the old one.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from contracts.edited import EditError, Shelf, load
from contracts.fact import Code
from contracts.kinds import Outcome

SHIPPED: Final = Path(__file__).parent / "data" / "policies.toml"
POLICIES_FILE: Final = Path(os.environ.get("COMMON_POLICIES") or SHIPPED)
_FIELDS: Final = ("code", "version", "outcome", "title", "issued", "basis", "text")
_CODE: Final[TypeAdapter[str]] = TypeAdapter(Code)


class PolicyError(EditError):
    """The file of policies cannot be used; the message names file, line and reason."""


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
    line: int = field(default=0, compare=False)

    @property
    def sha256(self) -> str:
        """Return the hash of everything that was published."""
        parts = (self.code, str(self.version), self.outcome, self.title, self.issued, self.basis, self.text)
        return sha256("\n".join(parts).encode()).hexdigest()


Policies = Mapping[tuple[str, int], Policy]


def read(path: Path = POLICIES_FILE) -> Policies:
    """Read and check a file of policies, by code and version; raises PolicyError for the first fault."""
    lines, data = load(path, "[[policy]]", PolicyError)
    rows = data.get("policy", [])
    if not isinstance(rows, list):
        raise PolicyError(lines.fault(None, "policy", "each policy begins with [[policy]]"))
    found: dict[tuple[str, int], Policy] = {}
    for number, row in enumerate(rows):
        name, fault = _fault(row)
        if fault:
            raise PolicyError(lines.fault(number, name, fault))
        policy = _policy(row, lines.line(number, "code"))
        if found.setdefault((policy.code, policy.version), policy) is not policy:
            raise PolicyError(lines.fault(number, "version", f"{policy.code} has this version twice"))
    return found


def follows(before: Policies, after: Policies) -> None:
    """Refuse an edit of what was published: petitions were answered by it, and facts name its hash."""
    for (code, version), policy in before.items():
        now = after.get((code, version))
        if now is None or now.sha256 != policy.sha256:
            place = f", line {now.line}" if now else ""
            raise PolicyError(
                f"{POLICIES_FILE.name}{place}: {code}, version {version}, was published and now "
                f"{'reads otherwise' if now else 'is gone'}; put it back, a new text is a new version"
            )


SHELF: Final = Shelf(POLICIES_FILE, read, follows=follows)


def published() -> Policies:
    """Return the policies in force now."""
    return SHELF.look()


def title(code: str, version: int) -> str:
    """Return the title that people read; the code itself where this service does not know the policy yet."""
    policy = published().get((code, version))
    return policy.title if policy else code


def _fault(row: dict[str, object]) -> tuple[str, str]:
    """Return the field of a row that is wrong and why; both empty if none is."""
    if missing := [name for name in _FIELDS if row.get(name) in (None, "")]:
        return missing[0], f"the policy lacks {', '.join(missing)}"
    if unknown := sorted(set(row) - set(_FIELDS)):
        return unknown[0], f"the policy has {', '.join(unknown)}, which no policy has"
    version = row["version"]
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        return "version", "version is a whole number from 1"
    if row["outcome"] not in set(Outcome):
        return "outcome", f"outcome is one of {', '.join(Outcome)}"
    try:
        _CODE.validate_python(row["code"])
    except ValidationError:
        return "code", "the code is letters, digits and . _ : - only"
    return "", ""


def _policy(row: dict[str, object], line: int) -> Policy:
    words = {name: str(row[name]).strip() for name in ("title", "issued", "basis", "text")}
    return Policy(
        str(row["code"]), int(str(row["version"])), Outcome(str(row["outcome"])), **words, line=line
    )
