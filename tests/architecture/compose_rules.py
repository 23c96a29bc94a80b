"""The composed services: each with its own database, its own user, and no other service's settings."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from contracts.topics import SERVICES

_FROM_ENVIRONMENT: Final = re.compile(r"\$\{[^}]*\}")


def keeps_databases_apart(compose: Mapping[str, Any]) -> Iterator[str]:
    """Sharing a database would let one service read or break another's dockets behind its back."""
    users: dict[str, str] = {}
    for name in SERVICES:
        described = compose.get("services", {}).get(name)
        if described is None:
            yield f"{name} is not there"
            continue
        environment = environment_of(described)
        foreign = sorted(
            key
            for key in environment
            for other in SERVICES
            if other != name and key.startswith(f"{other.upper()}_")
        )
        if foreign:
            yield f"{name} is given {', '.join(foreign)}"
        url = urlsplit(_FROM_ENVIRONMENT.sub("x", environment.get(f"{name.upper()}_DATABASE", "")))
        if url.path.strip("/") != name:
            yield f"{name} uses the database {url.path.strip('/')!r}"
        if not url.username or url.password is None:
            yield f"{name} has no database user of its own"
        elif url.username in users:
            yield f"{name} and {users[url.username]} share the database user {url.username}"
        users.setdefault(url.username or "", name)


def environment_of(described: Mapping[str, Any]) -> dict[str, str]:
    """Return a composed service's environment, written as a mapping or as a list."""
    said = described.get("environment", {})
    if isinstance(said, Mapping):
        return {str(key): str(value) for key, value in said.items()}
    return {key: value for key, _, value in (str(entry).partition("=") for entry in said)}
