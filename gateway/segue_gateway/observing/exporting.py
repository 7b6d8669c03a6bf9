"""Where traces go: what the standard OTEL_ variables say, where the SDK of OpenTelemetry is installed.

The SDK reads most of them by itself (service name, resource, sampler, endpoint, headers, batches). Here is decided
whether there is anything to set up, and that the end of the process does not wait long for a collector that is gone.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any

from opentelemetry import trace

from .traces import Traces

__all__ = ["Unsendable", "destination", "traces"]

#: Without any of these nobody has said that traces are wanted.
_WANTED = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_FLUSH = 3.0  # seconds


class Unsendable(Exception):
    """Traces are wanted and can't be sent; the text says what is missing."""


def traces(environment: Mapping[str, str] = os.environ) -> tuple[Traces, Callable[[], None]] | None:
    """Return what makes spans, and what sends the last of them at the end; None where nobody wants any.

    Where the SDK was set up already, as by `opentelemetry-instrument`, that is used as it is. Raises Unsendable.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return Traces(), lambda: None
    names = _exporters(environment)
    if not names:
        return None
    try:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise Unsendable(_missing(error.name or "opentelemetry.sdk")) from None
    provider = TracerProvider(shutdown_on_exit=False)
    for name in names:
        provider.add_span_processor(BatchSpanProcessor(_exporter(name)))
    return Traces(provider), lambda: _within(provider.shutdown)


def destination(environment: Mapping[str, str] = os.environ) -> str:
    """Return where traces would go, for people, with nothing set up; Unsendable where they can't."""
    names = _exporters(environment)
    if not names or environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return "nowhere"
    for name in names:
        if not entry_points(group="opentelemetry_traces_exporter", name=name):
            raise Unsendable(_missing(f"the exporter '{name}'"))
    return f"as the OTEL_ variables say, by {', '.join(names)}"


def _exporters(environment: Mapping[str, str]) -> list[str]:
    """Return the names under which exporters announce themselves, of those that are asked for."""
    if not any(environment.get(name) for name in _WANTED):
        return []
    protocol = environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environment.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    otlp = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
    asked = (name.strip() for name in (environment.get("OTEL_TRACES_EXPORTER") or "otlp").split(","))
    return [otlp if name == "otlp" else name for name in asked if name not in ("", "none")]


def _exporter(name: str) -> Any:
    for point in entry_points(group="opentelemetry_traces_exporter", name=name):
        try:
            return point.load()()
        except ModuleNotFoundError as error:
            raise Unsendable(_missing(error.name or name)) from None
    raise Unsendable(_missing(f"the exporter '{name}'"))


def _missing(what: str) -> str:
    return f"the OTEL_ variables ask for traces, and {what} is not installed: pip install 'segue-protocol[otel]'"


def _within(work: Callable[[], None]) -> None:
    """Do some work, but wait for it no longer than a process that was asked to end can."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(_FLUSH)
