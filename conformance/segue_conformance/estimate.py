"""About how much a run will ask for: requests and tokens, from what each check took on the reference endpoint.

`costs.json` is made by tools/gen_costs.py. Another model says more or less, and a check that is not in it yet is taken
for an average one: it is an estimate, and is called so wherever it is shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .extended import WIRE_OF
from .registry import Check

__all__ = ["Estimate", "estimate"]

#: A wire with the extension costs about what the Segue wire costs that carries the same.
_LIKE = {extended: segue for segue, extended in WIRE_OF.items()}

#: The reference endpoint counts words; a model's tokens are more, and it says more of them.
_PER_WORD = 2
_COSTS = Path(__file__).resolve().parent / "costs.json"


@dataclass(frozen=True, slots=True)
class Estimate:
    """About how many requests and tokens."""

    requests: int
    tokens: int

    def __str__(self) -> str:
        return f"about {_rounded(self.requests)} requests and {_rounded(self.tokens)} tokens"


def estimate(work: Sequence[tuple[Check, str]], *, second_key: bool = True) -> Estimate:
    """Return about how much these checks on these wires ask for; without a second key some do not run."""
    requests = tokens = 0.0
    for check, wire in work:
        if second_key or not check.needs_second_key:
            cost = _cost(check.id, wire)
            requests, tokens = requests + cost[0], tokens + cost[1] * _PER_WORD
    return Estimate(round(requests), round(tokens))


def _cost(check: str, wire: str) -> Sequence[float]:
    known = _costs().get(wire) or _costs().get(_LIKE.get(wire, ""), {})
    return known.get(check) or (_mean(known, 0), _mean(known, 1))


def _mean(known: Mapping[str, Sequence[float]], place: int) -> float:
    return sum(cost[place] for cost in known.values()) / len(known) if known else 0.0


@cache
def _costs() -> dict[str, dict[str, list[float]]]:
    costs: dict[str, dict[str, list[float]]] = json.loads(_COSTS.read_text(encoding="utf-8"))
    return costs


def _rounded(number: int) -> str:
    """Return a number as roughly as it is known: two places."""
    step = 10 ** max(0, len(str(number)) - 2)
    return f"{round(number / step) * step:,}"
