"""Notify's own metrics, each with its sentence; labels are closed sets, never ids."""

from typing import Final

from prometheus_client import Counter, Gauge

from runtime.metrics import REGISTRY

SMS: Final = Counter(
    "notify_sms",
    "SMS handed to the gateway, by how that ended: Accepted, NotSent, Throttled, Down, Misconfigured, "
    "Refused, Unknown.",
    ("result",),
    registry=REGISTRY,
)
WAITING: Final = Gauge(
    "notify_sms_waiting", "Claimed SMS that wait in this process for the gateway.", registry=REGISTRY
)
