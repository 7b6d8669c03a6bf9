"""What decoding and checking an event costs: the generated models against JSON Schema, on the same bytes.

The models are on the hot path, for each delta of each turn; the schemas are what is normative. This
says what the difference buys. Run it as `python -m segue_bench.models`; it fails below `WANTED` times.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from segue_schemas import EMPTY_HISTORY, models, validator

__all__ = ["WANTED", "Cost", "events", "main", "measure"]

WANTED = 10
"""How many times faster the models have to be, on every event."""


@dataclass(frozen=True)
class Cost:
    """What one event costs each way, in microseconds: the median of several rounds."""

    name: str
    bytes: int
    models_us: float
    definition_us: float
    union_us: float

    @property
    def ratio(self) -> float:
        """How many times faster the models are than the event's own definition, the schema's best case."""
        return self.definition_us / self.models_us


def events() -> dict[str, bytes]:
    """Return two events of about 1 KB: one long text, where little is to be checked, and one of many members."""
    delta = {
        "type": "item.delta",
        "turn": "t_4Qm8ZyV1sK0aJ7uTn2bXcw",
        "seq": 17,
        "index": 0,
        "at": "/content/0/text",
        "append": "The quick brown fox jumps over the lazy dog. " * 20,
    }
    completed = {
        "type": "turn.completed",
        "turn": "t_4Qm8ZyV1sK0aJ7uTn2bXcw",
        "seq": 412,
        "status": "incomplete",
        "reason": "max_output_tokens",
        "digest": EMPTY_HISTORY,
        "length": 164,
        "continuation": {
            "id": "resp_6f1c0a52d9e84b7f9d1f2a3b4c5d6e7f",
            "digest": EMPTY_HISTORY,
            "length": 164,
            "context": EMPTY_HISTORY,
            "retention": "cached",
            "expires_in_ms": 3_600_000,
        },
        "omitted": list(range(120)),
        "usage": {
            "input_tokens": 18_240,
            "output_tokens": 1_024,
            "total_tokens": 19_264,
            "cached_tokens": 17_920,
            "reasoning_tokens": 512,
        },
        "timing": {"queued_ms": 3, "first_output_ms": 640, "total_ms": 9_120},
    }
    return {"item.delta": _compact(delta), "turn.completed": _compact(completed)}


def measure(name: str, data: bytes, definition: str, rounds: int = 7, calls: int = 20) -> Cost:
    """Time the ways in turn, so that a busy machine disturbs them alike."""
    decode = msgspec.json.Decoder(models.ServerMessage).decode
    one = validator(f"server.json#/$defs/{definition}")
    union = validator("server.json#/$defs/ServerMessage")
    ways: dict[str, tuple[Callable[[], object], int]] = {
        "models": (lambda: decode(data), calls * 50),
        "definition": (lambda: one.validate(json.loads(data)), calls),
        "union": (lambda: union.validate(json.loads(data)), calls),
    }
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, (work, count) in ways.items():
            start = time.perf_counter()
            for _ in range(count):
                work()
            taken[way].append((time.perf_counter() - start) / count * 1e6)
    median = {way: statistics.median(times) for way, times in taken.items()}
    return Cost(name, len(data), median["models"], median["definition"], median["union"])


def main() -> int:
    """Measure, print what each event costs, and return 1 where the models are not fast enough."""
    costs = [measure(name, data, _definition(name)) for name, data in events().items()]
    for cost in costs:
        print(f"{cost.name}, {cost.bytes} bytes, decoded and checked:")
        print(f"  generated models                {cost.models_us:9.1f} us")
        print(f"  jsonschema, its own definition  {cost.definition_us:9.1f} us  {cost.ratio:6.0f} times as long")
        print(f"  jsonschema, the whole union     {cost.union_us:9.1f} us  {cost.union_us / cost.models_us:6.0f}")
    slowest = min(cost.ratio for cost in costs)
    print(f"ratio: {slowest:.0f} (wanted: at least {WANTED})")
    return 0 if slowest >= WANTED else 1


def _definition(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("."))


def _compact(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


if __name__ == "__main__":
    sys.exit(main())
