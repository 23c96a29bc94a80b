"""Every metric with its sentence; labels are closed sets, never ids."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call] # the library has no types for it
REGISTRY: Final = CollectorRegistry()

MESSAGES: Final = Counter(
    "bridge_messages",
    "Messages by what became of them: applied, already-heard, parked, erased, dead-lettered.",
    ("topic", "outcome"),
    registry=REGISTRY,
)
PUBLISHED: Final = Counter(
    "bridge_published", "Facts acknowledged by the broker, repeats included.", ("topic",), registry=REGISTRY
)
COMMANDS: Final = Counter(
    "bridge_commands",
    "Commands that came by HTTP, by answer: stated, refused, clash, failed, unavailable.",
    ("answer",),
    registry=REGISTRY,
)
RACES: Final = Counter(
    "bridge_lost_races", "Saves that lost a race and were decided again.", registry=REGISTRY
)
SWEPT: Final = Counter(
    "bridge_swept", "Dockets whose forgotten facts the sweeper published.", registry=REGISTRY
)
BATCH: Final = Histogram(
    "bridge_batch_petitions",
    "Petitions handled together.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
    registry=REGISTRY,
)
STEP_SECONDS: Final = Histogram(
    "bridge_step_seconds",
    "Time of each step of a batch.",
    ("step",),
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
    registry=REGISTRY,
)
PARKED: Final = Gauge("bridge_parked_petitions", "Petitions that wait for redrive.", registry=REGISTRY)
UNPUBLISHED_SECONDS: Final = Gauge(
    "bridge_oldest_unpublished_seconds", "Age of the oldest stated and unpublished fact.", registry=REGISTRY
)
REQUESTS: Final = Counter(
    "bridge_http_requests", "HTTP answers by route and status class.", ("route", "status"), registry=REGISTRY
)


@cache
def messages(topic: str, outcome: str) -> Counter:
    """Return the counter of one topic and outcome: finding it anew for each message takes 4 µs."""
    return MESSAGES.labels(topic, outcome)


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Observe how long a step of a batch takes, if it comes to its end."""
    began = perf_counter()
    yield
    STEP_SECONDS.labels(step).observe(perf_counter() - began)
