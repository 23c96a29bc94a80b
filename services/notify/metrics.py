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
SMPP_BOUND: Final = Gauge(
    "notify_smpp_bound", "1 while this process has a session with the message centre.", registry=REGISTRY
)
SMPP_HEARD: Final = Counter(
    "notify_smpp_heard",
    "What the message centre delivered, by what became of it: receipt, reply, unreadable, "
    "refused (it repeats that).",
    ("outcome",),
    registry=REGISTRY,
)
