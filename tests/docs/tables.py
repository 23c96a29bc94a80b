"""The documents' tables as the code would write them; `test_documents.py` compares."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from pydantic import SecretStr, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from contracts.registry import BY_TYPE
from contracts.topics import SERVICES
from runtime.metrics import REGISTRY
from runtime.settings import ServiceSettings
from services.notify.notices import Audience
from services.notify.table import TABLE_FILE, in_use, read

_TIMES = TypeAdapter(timedelta)


def shared() -> str:
    """The variables of all services."""
    rows = (_row(f"<P>_{name.upper()}", field) for name, field in ServiceSettings.model_fields.items())
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


# Settings that are read only if a service uses what they are for.
PARTS = ("notify.smpp",)


def own() -> str:
    """The variables that one service has for itself, and those of its parts."""
    rows = [
        _row(f"{part.upper().replace('.', '_')}_{name.upper()}", field)
        for part in (*SERVICES, *PARTS)
        for name, field in importlib.import_module(f"services.{part}.settings").Settings.model_fields.items()
        if part in PARTS or name not in ServiceSettings.model_fields
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def gateway(settings: type[BaseSettings]) -> str:
    """The variables of one SMS gateway."""
    prefix = settings.model_config.get("env_prefix", "")
    rows = (_row(f"{prefix}{name.upper()}", field) for name, field in settings.model_fields.items())
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def metrics() -> str:
    """Every metric as Prometheus sees it, with its labels and its sentence."""
    for service in ("routing", "notify"):
        importlib.import_module(f"services.{service}.metrics")
    # By owner: which service's list was read first depends on who imported it.
    rows = sorted(_metrics(), key=lambda row: row.partition("_")[0])
    return "\n".join(["| metric | labels | meaning |", "|---|---|---|", *rows])


def told() -> str:
    """Who is told of each fact, and by which template."""
    by_fact: dict[str, dict[Audience, list[str]]] = {}
    for row in in_use(read(TABLE_FILE)).values():
        told = by_fact.setdefault(BY_TYPE[row.fact].__name__, {})
        told.setdefault(row.audience, []).append(f"`{row.template}`")
    rows = (
        f"| `{fact}` | {' | '.join(', '.join(told.get(audience, ())) for audience in Audience)} |"
        for fact, told in by_fact.items()
    )
    return "\n".join([f"| fact | {' | '.join(Audience)} |", "|---" * (1 + len(Audience)) + "|", *rows])


def _row(variable: str, field: FieldInfo) -> str:
    default = "**required**" if field.is_required() else _shown(field.default)
    secret = ", secret" if field.annotation is SecretStr else ""
    return f"| `{variable}` | {default}{secret} | {field.description or ''} |"


def _shown(value: Any) -> str:
    if isinstance(value, timedelta):
        return f"`{_TIMES.dump_python(value, mode='json')}`"
    if value in {"", None}:
        return "empty"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _metrics() -> Iterator[str]:
    for collector, names in REGISTRY._collector_to_names.items():  # noqa: SLF001 - label names are shown nowhere else
        described = next(iter(collector.collect()))
        labels = ", ".join(getattr(collector, "_labelnames", ()))
        name = f"{described.name}_total" if described.type == "counter" else described.name
        if names:
            yield f"| `{name}` | {labels} | {described.documentation} |"
