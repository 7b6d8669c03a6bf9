"""Single steps: budgets, boundaries, what a history holds, and choices that the model makes where none is stated."""

from __future__ import annotations

import pytest
from segue_model import ALL, SCENARIOS, Model, Scenario, World, start, steps
from segue_model.state import Budget, history, open_at_end


def walk(scenario: Scenario, *lines: str, without: frozenset[str] = frozenset()) -> World:
    """Take steps by the beginnings of their texts, each of which must be possible."""
    m = Model(scenario, ALL - without)
    world = start(scenario)
    for line in lines:
        found = [step for step in steps(m, world) if step.text.startswith(line)]
        assert len(found) == 1, (line, [step.text for step in steps(m, world)])
        world = found[0].world
    return world


def texts(scenario: Scenario, world: World) -> list[str]:
    return [step.text for step in steps(Model(scenario, ALL), world)]


RUN = ("client 1 starts the turn at node 1, which accepts", "node 1 asks", "the provider says", "node 1 writes `a`")


def test_at_the_beginning_only_starts_are_possible() -> None:
    scenario = Scenario("x", "", budget=Budget(starts=1, resumes=1, cancels=1, steers=1))
    assert texts(scenario, start(scenario)) == ["client 1 starts the turn at node 1, which accepts it"]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_budget_is_never_overdrawn(name: str) -> None:
    m = Model(SCENARIOS[name], ALL)
    layer = {start(m.scenario)}
    for _ in range(8):
        layer = {step.world for world in layer for step in steps(m, world)}
        assert layer
        assert all(min(world.left) >= 0 for world in layer)


def test_a_whole_turn() -> None:
    scenario = Scenario("x", "", script="a", budget=Budget(starts=1))
    world = walk(scenario, *RUN, "node 1 writes turn.completed")
    assert world.turn.record == ("accepted", "a", "completed")
    assert world.turn.handle == ("a",)
    for line in ("client 1 receives 0", "client 1 receives 1", "client 1 receives 2"):
        (step,) = steps(Model(scenario, ALL), world)
        assert step.text.startswith(line)
        world = step.world
    assert world.readers[0].got == ((0, "accepted"), (1, "a"), (2, "completed"))
    assert texts(scenario, world) == []


def test_the_old_owner_stops_where_its_epoch_is_stale() -> None:
    scenario = Scenario("x", "", script="a", nodes=2, budget=Budget(starts=1, stalls=1))
    gone = (*RUN[:3], "node 1 stalls", "the lease of node 1 runs out", "node 2 closes", "node 1 goes on")
    world = walk(scenario, *gone, "node 1 finds its epoch stale")
    assert world.turn.record == ("accepted", "interrupted")
    assert world.nodes[0].epoch == 0


def test_the_name_answers_when_its_record_is_gone() -> None:
    scenario = Scenario("x", "", script="a", budget=Budget(starts=2, others=1, aged=1))
    world = walk(scenario, *RUN, "node 1 writes turn.completed", "replay_ms passes")
    refused = [text for text in texts(scenario, world) if "starts" in text]
    assert len(refused) == 2
    assert all(text.endswith("the record is gone, events_gone") for text in refused)


def test_a_record_in_memory_dies_with_its_node() -> None:
    scenario = Scenario("x", "", script="a", nodes=2, retention="none", budget=Budget(starts=2, kills=1))
    gone = walk(scenario, *RUN, "node 1 is killed", "the lease of node 1", "node 2 closes the turn: its record is lost")
    assert (gone.turn.name, gone.turn.record) == ("bare", ())
    (repeat,) = [text for text in texts(scenario, gone) if "starts the turn" in text]
    assert repeat == "client 1 starts the turn at node 2: the record is gone, events_gone"


def test_a_record_in_memory_is_lost_with_an_owner_that_only_sleeps() -> None:
    scenario = Scenario("x", "", script="a", nodes=2, retention="none", budget=Budget(starts=2, stalls=1))
    asleep = walk(scenario, *RUN, "node 1 stalls", "the lease of node 1", "node 2 closes the turn: its record is lost")
    assert (asleep.turn.name, asleep.turn.record) == ("bare", ())
    awake = walk(scenario, *RUN, "node 1 stalls", "the lease of node 1", "node 2 closes the turn", "node 1 goes on")
    told = [text for text in texts(scenario, awake) if text.startswith("client 1")]
    assert "client 1 is told the record is gone, events_gone" in told
    assert not any("receives" in text for text in told)


def test_an_owner_that_was_replaced_asks_nobody() -> None:
    scenario = Scenario("x", "", nodes=2, budget=Budget(starts=1, stalls=1))
    steps = ("client 1 starts", "node 1 stalls", "the lease of node 1", "node 2 closes the turn", "node 1 goes on")
    assert "node 1 finds its epoch stale: it asks nobody and stops" in texts(scenario, walk(scenario, *steps))


@pytest.mark.parametrize(
    ("record", "open_"),
    [
        (("accepted",), ""),
        (("accepted", "a"), "item"),
        (("accepted", "[", "a"), "item"),
        (("accepted", "[", "a", "]"), ""),
        (("accepted", "{"), "item"),
        (("accepted", "{", "}"), "call"),
        (("accepted", "{", "}", "[", "]"), "call"),
    ],
)
def test_where_a_boundary_is(record: tuple[str, ...], open_: str) -> None:
    assert open_at_end(record) == open_


def test_a_history_leaves_half_a_call_out() -> None:
    assert history(("accepted", "[", "a", "]", "steered", "{", "x", "cancelled")) == ("[", "a", "]", "s")
    assert history(("accepted", "{", "}", "completed")) == ("{", "}")
    assert history(("accepted", "{", "cancelled"), discard=False) == ("{",)
    assert history(("accepted", "a", "cancelled")) == ("a",)
