"""Whether the model allows what was observed: some order of its inner steps shows exactly that, and nothing else."""

from __future__ import annotations

from typing import Any

from segue_model.state import Model, Scenario, start
from segue_model.steps import steps

__all__ = ["Observation", "replay"]

Observation = tuple[Any, ...]


def replay(scenario: Scenario, rules: frozenset[str], observed: list[Observation]) -> int:
    return 0
