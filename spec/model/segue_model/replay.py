"""Whether the model allows what was observed: some order of its inner steps shows exactly that."""

from __future__ import annotations

from segue_model.state import Model, Observation, Scenario, World, start
from segue_model.steps import steps

__all__ = ["replay"]


def replay(scenario: Scenario, rules: frozenset[str], observed: tuple[Observation, ...]) -> int:
    """Return how many of the observations the model can show in their order; all of them: it allows what was seen.

    Steps that nobody sees may stand anywhere between. The scenario's budget says how often clients and faults act.
    """
    m = Model(scenario, rules)
    first = (0, start(scenario))
    seen: set[tuple[int, World]] = {first}
    waiting = [first]
    furthest = 0
    while waiting:
        at, world = waiting.pop()
        furthest = max(furthest, at)
        if furthest == len(observed):
            break
        for step in steps(m, world):
            behind = at + len(step.seen)
            if step.seen == observed[at:behind] and (behind, step.world) not in seen:
                seen.add((behind, step.world))
                waiting.append((behind, step.world))
    return furthest
