"""Notify's own metrics, each with its sentence; labels are closed sets, never ids."""

from typing import Final

from prometheus_client import Counter, Gauge

from runtime.metrics import REGISTRY

SMS: Final = Counter(
    "notify_sms",
    "SMS by gateway and how that ended: Accepted, NotSent, Throttled, Down, Misconfigured, Refused, "
    "Withheld, Unknown.",
    ("gateway", "result"),
    registry=REGISTRY,
)
WAITING: Final = Gauge(
    "notify_sms_waiting",
    "Claimed SMS that wait in this process for the gateway.",
    ("gateway",),
    registry=REGISTRY,
)
GATEWAY_OPEN: Final = Gauge(
    "notify_gateway_usable",
    "Whether messages are given to the gateway (1) or not (0).",
    ("gateway",),
    registry=REGISTRY,
)
RECEIPTS: Final = Counter(
    "notify_receipts",
    "Receipts by gateway and what became of them: applied, waiting (its message is not known yet).",
    ("gateway", "result"),
    registry=REGISTRY,
)
REPLIES: Final = Counter(
    "notify_replies", "Replies by what they were understood as.", ("kind",), registry=REGISTRY
)
