"""Metrics for Prometheus: one table of them, and an observer that counts.

No label takes what a client chose: wires, outcomes, codes, operations and the one engine are sets that are known. What
happens is added up in plain numbers, which costs a tenth of what the library's own counters do, and becomes metrics
when somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from segue_adapters.wires.base import CODES
from segue_schemas import models
from starlette.requests import Request
from starlette.responses import Response

from .base import Ask, Observer
from .facts import brought, error_of, outcome_of, usage_of

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
    Known("segue_draining", "gauge", "1 once the endpoint comes to its end, 0 before."),
    Known("segue_evictions_total", "counter", "Continuations given up before their expiry."),
    Known("segue_store_operation_seconds", "summary", "Steps of the store, and how long they took.", ("operation",)),
    Known("segue_store_errors_total", "counter", "Steps of the store that raised.", ("operation", "error")),
    Known("segue_upstream_requests_total", "counter", "Questions to the model, by outcome.", ("engine", "outcome")),
    Known("segue_upstream_errors_total", "counter", "Questions that failed, by code.", ("engine", "code")),
    Known("segue_upstream_requests_running", "gauge", "Questions that are being answered.", ("engine",)),
    Known("segue_upstream_request_duration_seconds", "histogram", "From question to end of answer.", ("engine",)),
)  # fmt: skip

_FAMILIES: Mapping[str, Any] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
    "summary": SummaryMetricFamily,
}
_BOUNDS = (*(f"{bound:g}" for bound in _SECONDS), "+Inf")


class Metrics(Observer, Collector):
    """Counts what happens, in a registry of its own; with `process` what the process itself uses, too."""

    counts_bytes = True
    watches_store = True

    def __init__(self, *, process: bool = True) -> None:
        self.registry = CollectorRegistry()
        # By name and labels; without labels there is a 0 before anything happened.
        self._numbers: dict[tuple[str, ...], float] = {(known.name,): 0 for known in METRICS if not known.labels}
        self._spreads = defaultdict[tuple[str, ...], _Spread](_Spread)
        # Pairs by wire, engine or operation: what began and what is over, bytes one way and the other, times and sums.
        self._turns = defaultdict[str, list[int]](_pair)
        self._connections = defaultdict[str, list[int]](_pair)
        self._asks = defaultdict[str, list[int]](_pair)
        self._brought = defaultdict[str, list[int]](_pair)
        self._moved = defaultdict[str, list[int]](_pair)
        self._steps = defaultdict[str, list[float]](_pair)
        self.registry.register(self)
        if process:
            ProcessCollector(registry=self.registry)
            GCCollector(registry=self.registry)

    async def serve(self, request: Request) -> Response:
        """Answer a scrape."""
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(self.registry), headers={"content-type": kind, "cache-control": "no-store"})

    def collect(self) -> Iterable[Metric]:
        """Return every metric of the table; from copies, since a scrape may come in another thread."""
        families = {known.name: _FAMILIES[known.kind](known.name, known.told, labels=known.labels) for known in METRICS}
        for (name, *labels), number in list(self._numbers.items()):
            families[name].add_metric(labels, number)
        for name, pairs in (
            ("segue_turns_running", self._turns),
            ("segue_connections", self._connections),
            ("segue_upstream_requests_running", self._asks),
        ):
            for label, (begun, over) in list(pairs.items()):
                families[name].add_metric([label], begun - over)
        for wire, (opened, _) in list(self._connections.items()):
            families["segue_connections_opened_total"].add_metric([wire], opened)
        for wire, (received, saved) in list(self._brought.items()):
            families["segue_input_bytes_total"].add_metric([wire], received)
            families["segue_saved_bytes_total"].add_metric([wire], saved)
        for (name, *labels), spread in list(self._spreads.items()):
            families[name].add_metric(labels, spread.cumulated(), spread.sum)
        for wire, (received, sent) in list(self._moved.items()):
            families["segue_received_bytes_total"].add_metric([wire], received)
            families["segue_sent_bytes_total"].add_metric([wire], sent)
        for operation, (count, seconds) in list(self._steps.items()):
            families["segue_store_operation_seconds"].add_metric([operation], count_value=count, sum_value=seconds)
        return families.values()

    def _add(self, key: tuple[str, ...], number: float = 1) -> None:
        self._numbers[key] = self._numbers.get(key, 0) + number

    # -- what happens

    def draining(self, turns: int, connections: int) -> None:
        """Take note of it."""
        self._add(("segue_draining",))

    def opened(self, connection: Connection) -> None:
        """Count a connection."""
        self._connections[connection.wire][0] += 1

    def closed(self, connection: Connection, seconds: float) -> None:
        """Count a connection no more."""
        self._connections[connection.wire][1] += 1

    def refused(self, wire: str, principal: str | None, refused: models.ErrorMessage) -> None:
        """Count a refusal."""
        self._add(("segue_refusals_total", wire, _code(refused.error)))

    def accepted(self, turn: Turn) -> None:
        """Count a turn that runs, and what its client was spared."""
        wire = turn.plan.wire
        received, saved = brought(turn)
        self._turns[wire][0] += 1
        sums = self._brought[wire]
        sums[0] += received
        sums[1] += saved

    def first_output(self, turn: Turn) -> None:
        """Measure how long it took."""
        self._spreads["segue_turn_first_output_seconds", turn.plan.wire].add(turn.seconds())

    def asking(self, ask: Ask) -> None:
        """Count a question that is being answered."""
        self._asks[ask.turn.engine.name][0] += 1

    def answered(self, ask: Ask) -> None:
        """Count and measure a question."""
        engine = ask.turn.engine.name
        self._asks[engine][1] += 1
        self._add(("segue_upstream_requests_total", engine, ask.outcome or "stopped"))
        self._spreads["segue_upstream_request_duration_seconds", engine].add(ask.seconds)
        if ask.outcome == "failed":
            code = "internal_error" if ask.error is None else _code(ask.error)
            self._add(("segue_upstream_errors_total", engine, code))

    def ended(self, turn: Turn) -> None:
        """Count and measure a turn."""
        wire, error, usage = turn.plan.wire, error_of(turn), usage_of(turn)
        self._turns[wire][1] += 1
        self._add(("segue_turns_total", wire, outcome_of(turn)))
        self._spreads["segue_turn_duration_seconds", wire].add(turn.seconds())
        if error is not None:
            self._add(("segue_turn_failures_total", _code(error)))
        if usage is not None:
            self._add(("segue_tokens_total", "input"), usage.input_tokens)
            self._add(("segue_tokens_total", "output"), usage.output_tokens)
            if isinstance(usage.cached_tokens, int):
                self._add(("segue_tokens_total", "cached"), usage.cached_tokens)

    def evicted(self, principal: str, count: int) -> None:
        """Count what was given up."""
        self._add(("segue_evictions_total",), count)

    def stored(self, operation: str, seconds: float) -> None:
        """Add up a step."""
        step = self._steps[operation]
        step[0] += 1
        step[1] += seconds

    def store_failed(self, operation: str, error: BaseException) -> None:
        """Count what a step raised."""
        self._add(("segue_store_errors_total", operation, type(error).__name__))

    def moved(self, wire: str, received: int, sent: int) -> None:
        """Add up bytes."""
        moved = self._moved[wire]
        moved[0] += received
        moved[1] += sent


def _pair() -> list[Any]:
    return [0, 0]


class _Spread:
    """How seconds are spread over the buckets."""

    def __init__(self) -> None:
        self.counts = [0] * (len(_SECONDS) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(_SECONDS, seconds)] += 1
        self.sum += seconds

    def cumulated(self) -> list[tuple[str, float]]:
        """Return each bound with how many were at most that."""
        return list(zip(_BOUNDS, accumulate(self.counts), strict=True))


def _code(error: models.Error) -> str:
    """Return a code that the protocol knows; others may be anything."""
    return error.code if error.code in CODES else "other"
