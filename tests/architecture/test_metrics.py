"""Every metric has its sentence, and labels from a closed set of names."""

import importlib
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter

from runtime.metrics import REGISTRY
from tests.architecture.fitting import EVERY_SERVICE
from tests.architecture.source import ROOT

LABELS = {
    *("topic", "outcome", "answer", "step", "route", "status", "result", "body", "gateway", "kind", "list")
}
OWNERS = ("bridge", *EVERY_SERVICE)


def is_described(registry: CollectorRegistry) -> Iterator[str]:
    """Say which metrics lack a sentence or carry a label that is not on the list."""
    for metric in registry.collect():
        if not (metric.name.startswith(OWNERS) and metric.documentation.endswith(".")):
            yield f"{metric.name}: a name that starts with its owner, and one whole sentence"
    for collector in registry._collector_to_names:  # noqa: SLF001 - label names are shown nowhere else
        labels: tuple[str, ...] = getattr(collector, "_labelnames", ())
        if unknown := set(labels) - LABELS:
            yield f"{', '.join(sorted(unknown))}: a label that is on no list"


def test_every_metric_is_described_when_the_services_are_loaded() -> None:
    for name in EVERY_SERVICE:
        if (ROOT / "services" / name / "metrics.py").exists():
            importlib.import_module(f"services.{name}.metrics")
    assert [] == list(is_described(REGISTRY))


def test_the_gate_turns_red_when_a_metric_has_no_sentence_or_an_id_for_a_label() -> None:
    registry = CollectorRegistry()
    Counter("petitions", "petitions", ("petition",), registry=registry)
    told = " ".join(is_described(registry))
    assert "petitions: a name" in told
    assert "petition: a label" in told
