"""OpenTelemetry traces: a span for each turn, in the trace that its client named, and a child for each question.

Spans are made by the OpenTelemetry API and go nowhere unless its SDK is set up, by `segue serve` or by the application
that an endpoint is mounted into. What goes to the provider is the child's `traceparent`, so that the provider's own
spans hang below it (SEG-OBS-004). Names are those of the conventions for generative AI, where these have one; content
is in none.
"""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from segue_schemas import models

from .base import Ask, Observer
from .facts import brought, error_of, outcome_of, written

if TYPE_CHECKING:
    from ..turns import Turn

__all__ = ["Traces"]

_WORDS = TraceContextTextMapPropagator()
#: Whose API the wire of a provider is.
_PROVIDERS = {"openai-http": "openai", "openai-ws": "openai", "chat": "openai", "anthropic": "anthropic"}


class Traces(Observer):
    """Makes the spans. `provider`: the SDK's, where it is another than the one that is set for the whole process."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("segue_gateway", _version(), provider)
        self._turns: dict[Turn, Span] = {}
        self._asks: dict[Ask, Span] = {}

    def accepted(self, turn: Turn) -> None:
        """Begin a turn's span, below the one that its client named."""
        plan = turn.plan
        carrier = _carrier(plan.start.trace if isinstance(plan.start.trace, models.Trace) else None)
        span = self._tracer.start_span(
            "segue.turn",
            context=_WORDS.extract(carrier, Context()),
            kind=SpanKind.SERVER,
            attributes={
                "segue.turn": turn.name,
                "segue.wire": plan.wire,
                "segue.principal": plan.principal,
                "segue.retention": plan.retention,
                "segue.reused.items": plan.parent.count,
            },
        )
        self._turns[turn] = span
        if span.get_span_context().is_valid:
            turn.trace_id = trace.format_trace_id(span.get_span_context().trace_id)

    def first_output(self, turn: Turn) -> None:
        """Mark the moment."""
        if (span := self._turns.get(turn)) is not None:
            span.add_event("first output")

    def ended(self, turn: Turn) -> None:
        """End a turn's span with what became of it."""
        span = self._turns.pop(turn, None)
        if span is None:
            return
        if span.is_recording():
            error, last = error_of(turn), turn.events[-1]
            received, saved = brought(turn)
            span.set_attribute("segue.status", outcome_of(turn))
            span.set_attribute("segue.received.bytes", received)
            span.set_attribute("segue.saved.bytes", saved)
            span.set_attribute("segue.written.bytes", written(turn))
            if isinstance(last, models.TurnCompleted):
                if isinstance(last.length, int) and isinstance(last.digest, str):
                    span.set_attribute("segue.history.length", last.length)
                    span.set_attribute("segue.history.digest", last.digest)
                if isinstance(last.continuation, models.Continuation):
                    span.set_attribute("segue.continuation", last.continuation.id)
            _fail(span, error)
        span.end()

    def asking(self, ask: Ask) -> None:
        """Begin a question's span below its turn's, and give it to the provider as the parent."""
        turn = self._turns.get(ask.turn)
        if turn is None:
            return
        engine, members = ask.turn.engine, ask.turn.plan.context.members
        wire = engine.name.rpartition(":")[2]
        model = members.get("model")
        told: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": _PROVIDERS.get(wire, "segue")}
        if isinstance(model, str):
            told["gen_ai.request.model"] = model
        for name, number in (
            ("gen_ai.request.temperature", members.get("temperature")),
            ("gen_ai.request.top_p", members.get("top_p")),
            ("gen_ai.request.max_tokens", members.get("max_output_tokens")),
        ):
            if isinstance(number, int | float):
                told[name] = number
        told.update(_address(getattr(engine, "url", None)))
        span = self._tracer.start_span(
            f"chat {model}" if isinstance(model, str) else "chat",
            context=trace.set_span_in_context(turn, Context()),
            kind=SpanKind.CLIENT if "server.address" in told else SpanKind.INTERNAL,
            attributes=told,
        )
        self._asks[ask] = span
        carrier: dict[str, str] = {}
        _WORDS.inject(carrier, trace.set_span_in_context(span, Context()))
        if "traceparent" in carrier:
            ask.trace = models.Trace(carrier["traceparent"], carrier.get("tracestate", msgspec.UNSET))

    def answered(self, ask: Ask) -> None:
        """End a question's span with what it cost."""
        span = self._asks.pop(ask, None)
        if span is None:
            return
        if span.is_recording():
            usage = ask.usage
            if usage is not None:
                for name, count in (
                    ("gen_ai.usage.input_tokens", usage.input_tokens),
                    ("gen_ai.usage.output_tokens", usage.output_tokens),
                    ("gen_ai.usage.cache_read.input_tokens", usage.cached_tokens),
                    ("gen_ai.usage.reasoning.output_tokens", usage.reasoning_tokens),
                ):
                    if isinstance(count, int):
                        span.set_attribute(name, count)
            if ask.outcome != "answered":
                span.set_attribute("segue.outcome", ask.outcome)
            if ask.outcome == "failed":
                _fail(span, ask.error or models.Error("internal_error", "retry", "unknown", ""))
        span.end()


def _fail(span: Span, error: models.Error | None) -> None:
    """Say what failed, by its code: the words of an error may quote the client."""
    if error is not None:
        span.set_attribute("error.type", error.code)
        span.set_attribute("segue.effect", error.effect)
        span.set_status(Status(StatusCode.ERROR, error.code))


def _carrier(told: models.Trace | None) -> dict[str, str]:
    if told is None:
        return {}
    state = {"tracestate": told.tracestate} if isinstance(told.tracestate, str) else {}
    return {"traceparent": told.traceparent, **state}


def _address(url: object) -> dict[str, Any]:
    if not isinstance(url, str):
        return {}
    parts = urlsplit(url)
    host = {"server.address": parts.hostname} if parts.hostname else {}
    return {**host, **({"server.port": parts.port} if parts.port else {})}


def _version() -> str:
    try:
        return metadata.version("segue-protocol")
    except metadata.PackageNotFoundError:
        return "unknown"
