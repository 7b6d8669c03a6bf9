"""With all rules on no property breaks in any scenario; with any one off, the named property does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from segue_model import ALL, RULES, SCENARIOS, Model, Result, explore, start, steps
from segue_model.properties import PROPERTIES, broken
from segue_model.state import ENDS


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_property_breaks_with_all_rules(whole: dict[str, Result], name: str) -> None:
    result = whole[name]
    assert result.broken is None
    assert result.ends > 0
    assert result.transitions > result.states > 1000


def test_every_outcome_is_reached(whole: dict[str, Result]) -> None:
    """Bounds that are too tight would prove everything."""
    assert set.union(*(set(result.outcomes) for result in whole.values())) == ENDS | {""}


def test_the_state_space_stays_small(whole: dict[str, Result]) -> None:
    assert sum(result.states for result in whole.values()) < 250_000


@pytest.mark.parametrize("name", RULES)
def test_each_rule_is_needed(without: dict[str, Result], name: str) -> None:
    found = without[name].broken
    assert found is not None, f"nothing breaks without {name}: the rule is decoration"
    assert found.name == RULES[name].breaks


@pytest.mark.parametrize("name", RULES)
def test_a_trace_is_a_walk_that_breaks_at_its_last_step(without: dict[str, Result], name: str) -> None:
    found = without[name].broken
    assert found is not None
    m = Model(SCENARIOS[RULES[name].scenario], ALL - {name})
    reached = {start(m.scenario)}
    for line in found.trace:
        assert all(broken(m, world, at_rest=False) == "" for world in reached)
        reached = {step.world for world in reached for step in steps(m, world) if step.text == line}
        assert reached, line
    at_rest = [world for world in reached if not any(step.fair for step in steps(m, world))]
    assert found.name in {broken(m, world, world in at_rest) for world in reached}


def test_each_property_is_broken_without_some_rule(without: dict[str, Result]) -> None:
    """A property that nothing breaks says nothing."""
    names = {prop.name for prop in PROPERTIES}
    assert len(names) == len(PROPERTIES)
    assert {result.broken.name for result in without.values() if result.broken} == names


def test_each_scenario_shows_a_rule_or_the_interplay() -> None:
    assert set(SCENARIOS) - {rule.scenario for rule in RULES.values()} == {"mixed"}


def test_rules_cite_requirements_that_exist(root: Path) -> None:
    index = json.loads((root / "spec" / "1.0" / "requirements.json").read_text("utf-8"))
    known = {requirement["id"] for requirement in index["requirements"]}
    for rule in RULES.values():
        assert rule.requirements, rule.name
        assert set(rule.requirements) <= known, rule.name


def test_an_exploration_is_the_same_each_time(without: dict[str, Result]) -> None:
    again = explore(SCENARIOS["owner"], ALL - {"epoch"})
    assert again.broken == without["epoch"].broken
    assert (again.states, again.transitions) == (without["epoch"].states, without["epoch"].transitions)


def test_bounds_that_are_too_wide_are_told() -> None:
    with pytest.raises(RuntimeError, match="'owner' has more than 100 states"):
        explore(SCENARIOS["owner"], ALL, limit=100)
