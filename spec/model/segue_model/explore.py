"""Breadth-first exploration: every state that can be reached, each once, and the shortest way to one that breaks."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass

from segue_model.properties import broken
from segue_model.state import Model, Scenario, World, start
from segue_model.steps import steps

__all__ = ["Broken", "Result", "explore"]


@dataclass(frozen=True)
class Broken:
    """A property that does not hold, and the shortest story that leads there, one line a step."""

    name: str
    trace: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What an exploration saw: how many states and steps, how many ends, and the first broken property."""

    states: int
    transitions: int
    ends: int  # states in which nothing is left that happens by itself
    outcomes: frozenset[str]  # the last events of the records in those
    seconds: float
    broken: Broken | None


def explore(scenario: Scenario, rules: frozenset[str], limit: int = 1_000_000) -> Result:
    """Explore a scenario under the rules to its end, or to the first state that breaks a property.

    Raises `RuntimeError` where there are more than `limit` states: a bound that was meant is not kept.
    """
    begun = time.process_time()
    collects = gc.isenabled()
    gc.disable()  # states form no cycles, and there are many
    try:
        return _explore(scenario, rules, limit, begun)
    finally:
        if collects:
            gc.enable()


def _explore(scenario: Scenario, rules: frozenset[str], limit: int, begun: float) -> Result:
    m = Model(scenario, rules)
    first = start(scenario)
    came: dict[World, tuple[World, str] | None] = {first: None}
    layer = [first]
    transitions = ends = 0
    outcomes: set[str] = set()
    while layer:
        following: list[World] = []
        for world in layer:
            at_rest = True
            for step in steps(m, world):
                transitions += 1
                at_rest = at_rest and not step.fair
                known = len(came)
                came.setdefault(step.world, (world, step.text))
                if len(came) > known:  # one look into the table and not two: hashing a world is what costs
                    following.append(step.world)
            if at_rest:
                ends += 1
                outcomes.add(world.turn.record[-1] if world.turn.record else "")
            if name := broken(m, world, at_rest):
                found = Broken(name, _story(came, world))
                seconds = time.process_time() - begun
                return Result(len(came), transitions, ends, frozenset(outcomes), seconds, found)
        if len(came) > limit:
            raise RuntimeError(f"scenario {scenario.name!r} has more than {limit} states: its bounds are too wide")
        layer = following
    seconds = time.process_time() - begun
    return Result(len(came), transitions, ends, frozenset(outcomes), seconds, None)


def _story(came: dict[World, tuple[World, str] | None], world: World) -> tuple[str, ...]:
    lines: list[str] = []
    at = came[world]
    while at is not None:
        lines.append(at[1])
        at = came[at[0]]
    return tuple(reversed(lines))
