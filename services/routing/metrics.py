"""What routing alone counts, a sentence each; labels are the 15 codes and the desks' lists."""

from typing import Final

from prometheus_client import Gauge

from runtime.metrics import REGISTRY

OPEN: Final = Gauge(
    "routing_body_open_petitions",
    "Petitions that are with a body and not answered yet, counted every half minute.",
    ("body",),
    registry=REGISTRY,
)
CAPACITY: Final = Gauge(
    "routing_body_capacity",
    "Petitions that a body can handle at once, as the catalogue says; above it, raise the alarm.",
    ("body",),
    registry=REGISTRY,
)
OVERDUE: Final = Gauge(
    "routing_overdue_petitions",
    "Petitions on a desk's list whose due time has passed; above nought, raise the alarm.",
    ("list",),
    registry=REGISTRY,
)
