"""Metrics for Prometheus: one table of them, and an observer that counts.

No label takes what a client chose: wires, outcomes, codes, operations and the one engine are sets that are known. What
happens for each message (bytes, steps of the store) is added up in plain numbers and read when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import CounterMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from segue_adapters.wires.base import CODES
from segue_schemas import models
from starlette.requests import Request
from starlette.responses import Response

from .base import Ask, Observer
from .facts import error_of, outcome_of, sizes_of, usage_of

if TYPE_CHECKING:
    from ..connection import Connection
    from ..turns import Turn

__all__ = ["METRICS", "Known", "Metrics"]

#: Seconds: from an answer of the script to a model that thinks for minutes.
_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


@dataclass(frozen=True, slots=True)
class Known:
    """One metric: its name as it is exposed, its kind, what it tells, and its labels."""

    name: str
    kind: str
    told: str
    labels: tuple[str, ...] = ()


METRICS = (
    Known("segue_turns_total", "counter", "Turns that ended, by outcome.", ("wire", "outcome")),
    Known("segue_turn_failures_total", "counter", "Turns that failed, by the code of their error.", ("code",)),
    Known("segue_turns_running", "gauge", "Turns that were accepted here and have not ended.", ("wire",)),
    Known("segue_turn_duration_seconds", "histogram", "From the receipt of a turn to its end.", ("wire",)),
    Known("segue_turn_first_output_seconds", "histogram", "From the receipt of a turn to its first output.", ("wire",)),
    Known("segue_refusals_total", "counter", "Messages, requests and upgrades refused, by code.", ("wire", "code")),
    Known("segue_connections", "gauge", "WebSocket connections that are open.", ("wire",)),
    Known("segue_connections_opened_total", "counter", "WebSocket connections that were accepted.", ("wire",)),
    Known("segue_received_bytes_total", "counter", "Bytes of messages and bodies received, uncompressed.", ("wire",)),
    Known("segue_sent_bytes_total", "counter", "Bytes of messages and bodies sent, uncompressed.", ("wire",)),
    Known("segue_input_bytes_total", "counter", "Bytes of items and contexts that turns brought.", ("wire",)),
    Known("segue_saved_bytes_total", "counter", "Bytes that resends in full would have brought besides.", ("wire",)),
    Known("segue_tokens_total", "counter", "Tokens as providers reported them: input, output, cached.", ("kind",)),
    Known("segue_evictions_total", "counter", "Continuations given up before their expiry."),
    Known("segue_store_operation_seconds", "summary", "Steps of the store, and how long they took.", ("operation",)),
    Known("segue_store_errors_total", "counter", "Steps of the store that raised.", ("operation", "error")),
    Known("segue_upstream_requests_total", "counter", "Questions to the model, by outcome.", ("engine", "outcome")),
    Known("segue_upstream_errors_total", "counter", "Questions that failed, by code.", ("engine", "code")),
    Known("segue_upstream_requests_running", "gauge", "Questions that are being answered.", ("engine",)),
    Known("segue_upstream_request_duration_seconds", "histogram", "From question to end of answer.", ("engine",)),
)  # fmt: skip

_KINDS: Mapping[str, Any] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}
#: Read when somebody asks; the rest are counted where they happen.
_READ = (
    "segue_received_bytes_total", "segue_sent_bytes_total", "segue_store_operation_seconds", "segue_store_errors_total",
)  # fmt: skip


class Metrics(Observer, Collector):
    """Counts what happens, in a registry of its own; with `process` what the process itself uses, too."""

    counts_bytes = True

    def __init__(self, *, process: bool = True) -> None:
        self.registry = CollectorRegistry()
        self._made: dict[str, Any] = {}
        self._children: dict[tuple[str, ...], Any] = {}
        self._moved: dict[str, list[int]] = {}
        self._steps: dict[str, list[float]] = {}
        self._errors: dict[tuple[str, str], int] = {}
        for known in METRICS:
            if known.name not in _READ:
                more = {"buckets": _SECONDS} if known.kind == "histogram" else {}
                made = _KINDS[known.kind](known.name, known.told, known.labels, registry=self.registry, **more)
                self._made[known.name] = made
        self.registry.register(self)
        if process:
            ProcessCollector(registry=self.registry)
            GCCollector(registry=self.registry)

    async def serve(self, request: Request) -> Response:
        """Answer a scrape."""
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(self.registry), headers={"content-type": kind, "cache-control": "no-store"})

    def collect(self) -> Iterable[Metric]:
        """Return what is added up in plain numbers; from a copy, since a scrape may come in another thread."""
        families = {known.name: _family(known) for known in METRICS if known.name in _READ}
        for wire, (received, sent) in list(self._moved.items()):
            families["segue_received_bytes_total"].add_metric([wire], received)
            families["segue_sent_bytes_total"].add_metric([wire], sent)
        for operation, (count, seconds) in list(self._steps.items()):
            families["segue_store_operation_seconds"].add_metric([operation], count_value=count, sum_value=seconds)
        for (operation, error), count in list(self._errors.items()):
            families["segue_store_errors_total"].add_metric([operation, error], count)
        return families.values()

    def _of(self, name: str, *labels: str) -> Any:
        """Return a metric under its labels; the library's own look at them costs more than the counting."""
        child = self._children.get((name, *labels))
        if child is None:
            made = self._made[name]
            child = self._children[name, *labels] = made.labels(*labels) if labels else made
        return child

    # -- what happens

    def opened(self, connection: Connection) -> None:
        """Count a connection."""
        self._of("segue_connections", connection.wire).inc()
        self._of("segue_connections_opened_total", connection.wire).inc()

    def closed(self, connection: Connection, seconds: float) -> None:
        """Count a connection no more."""
        self._of("segue_connections", connection.wire).dec()

    def refused(self, wire: str, principal: str | None, refused: models.ErrorMessage) -> None:
        """Count a refusal."""
        self._of("segue_refusals_total", wire, _code(refused.error)).inc()

    def accepted(self, turn: Turn) -> None:
        """Count a turn that runs, and what its client was spared."""
        wire, sizes = turn.plan.wire, sizes_of(turn)
        self._of("segue_turns_running", wire).inc()
        self._of("segue_input_bytes_total", wire).inc(sizes.received)
        self._of("segue_saved_bytes_total", wire).inc(sizes.saved)

    def first_output(self, turn: Turn) -> None:
        """Measure how long it took."""
        told = turn.timing().first_output_ms
        if isinstance(told, int):
            self._of("segue_turn_first_output_seconds", turn.plan.wire).observe(told / 1000)

    def asking(self, ask: Ask) -> None:
        """Count a question that is being answered."""
        self._of("segue_upstream_requests_running", ask.turn.engine.name).inc()

    def answered(self, ask: Ask) -> None:
        """Count and measure a question."""
        engine = ask.turn.engine.name
        self._of("segue_upstream_requests_running", engine).dec()
        self._of("segue_upstream_requests_total", engine, ask.outcome or "stopped").inc()
        self._of("segue_upstream_request_duration_seconds", engine).observe(ask.seconds)
        if ask.outcome == "failed":
            code = "internal_error" if ask.error is None else _code(ask.error)
            self._of("segue_upstream_errors_total", engine, code).inc()

    def ended(self, turn: Turn) -> None:
        """Count and measure a turn."""
        wire, error, usage = turn.plan.wire, error_of(turn), usage_of(turn)
        self._of("segue_turns_running", wire).dec()
        self._of("segue_turns_total", wire, outcome_of(turn)).inc()
        self._of("segue_turn_duration_seconds", wire).observe(turn.seconds())
        if error is not None:
            self._of("segue_turn_failures_total", _code(error)).inc()
        if usage is not None:
            for kind, count in (
                ("input", usage.input_tokens), ("output", usage.output_tokens), ("cached", usage.cached_tokens),
            ):  # fmt: skip
                if isinstance(count, int):
                    self._of("segue_tokens_total", kind).inc(count)

    def evicted(self, principal: str, count: int) -> None:
        """Count what was given up."""
        self._of("segue_evictions_total").inc(count)

    def stored(self, operation: str, seconds: float, error: BaseException | None) -> None:
        """Add up a step."""
        step = self._steps.get(operation)
        if step is None:
            step = self._steps[operation] = [0, 0.0]
        step[0] += 1
        step[1] += seconds
        if error is not None:
            key = (operation, type(error).__name__)
            self._errors[key] = self._errors.get(key, 0) + 1

    def moved(self, wire: str, received: int, sent: int) -> None:
        """Add up bytes."""
        moved = self._moved.get(wire)
        if moved is None:
            moved = self._moved[wire] = [0, 0]
        moved[0] += received
        moved[1] += sent


def _family(known: Known) -> Any:
    kind = SummaryMetricFamily if known.kind == "summary" else CounterMetricFamily
    return kind(known.name, known.told, labels=known.labels)


def _code(error: models.Error) -> str:
    """Return a code that the protocol knows; others may be anything."""
    return error.code if error.code in CODES else "other"
