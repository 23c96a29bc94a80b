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
