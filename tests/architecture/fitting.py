"""The four services as the tests build them: with settings that lead nowhere, so that nothing is reached."""

import importlib
from typing import Any, Final

import pytest

from contracts.topics import SERVICES
from runtime.process import Process
from runtime.settings import ServiceSettings
from tests.architecture.source import ROOT

EVERY_SERVICE: Final = SERVICES
NOWHERE: Final = "127.0.0.1:1"
SECRET: Final = "only-for-tests-" * 4


def settings_class(name: str) -> type[ServiceSettings]:
    """Return a service's own settings; skips while the service has none."""
    if not (ROOT / "services" / name / "settings.py").exists():
        pytest.skip(f"services/{name} is not there yet")
    found: type[ServiceSettings] = importlib.import_module(f"services.{name}.settings").Settings
    return found


def process(name: str) -> Process:
    """Build a service's application without starting it; skips while the service has none."""
    if not (ROOT / "services" / name / "app.py").exists():
        pytest.skip(f"services/{name} is not there yet")
    kind = settings_class(name)
    given: dict[str, Any] = {
        "broker": NOWHERE,
        "database": f"mongodb://{NOWHERE}/{name}",
        "host": "127.0.0.1",
        "port": 1,
    }
    for field, described in kind.model_fields.items():
        if described.is_required() and field not in given:
            given[field] = SECRET
    built: Process = importlib.import_module(f"services.{name}.app").build(kind(**given))[1]
    return built
