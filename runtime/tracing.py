"""Trace context from the first HTTP request to the last SMS: carried in every envelope as `traceparent`.

Spans are recorded only when OTEL_EXPORTER_OTLP_ENDPOINT is set; the context travels in any case.
"""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_SHAPE: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_on = False


def configure(service: str) -> None:
    """Switch span export on if the environment names a collector."""
    global _on  # noqa: PLW0603 - OpenTelemetry's provider is global too
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - loaded only where spans are exported
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - loaded only where spans are exported
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - loaded only where spans are exported
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - loaded only where spans are exported

    provider = TracerProvider(resource=Resource({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    _on = True


def recording() -> bool:
    """Whether spans go anywhere."""
    return _on


@contextmanager
def span(name: str, traceparent: str | None) -> Iterator[str]:
    """Do something under a span that continues `traceparent`; yields the context for what it causes."""
    if not _on:
        yield traceparent if traceparent and _SHAPE.fullmatch(traceparent) else _fresh()
        return
    parent = _PROPAGATOR.extract({"traceparent": traceparent} if traceparent else {})
    with trace.get_tracer("petition-bridge").start_as_current_span(name, context=parent):
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        yield carrier["traceparent"]


def _fresh() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
