"""What an observer is told of an endpoint, in which order, and that it can harm nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from gateway_lab import ALICE, StepEngine, answer, message, run, start, turn, upstream
from segue_gateway.endpoint import Endpoint, Once
from segue_gateway.engines.base import ItemBegun
from segue_gateway.observing import Ask, Observer, Observers
from segue_gateway.observing.facts import brought, place_of, written
from segue_gateway.settings import Settings
from segue_gateway.stores.base import Unwritable
from segue_gateway.turns import Turn
from segue_schemas import models


class Recorder(Observer):
    """Keeps what it is told."""

    watches_store = True

    def __init__(self) -> None:
        self.told: list[str] = []
        self.turns: list[Turn] = []
        self.asks: list[Ask] = []
        self.steps: list[str] = []
        self.failures: list[tuple[str, type[BaseException]]] = []
        self.evictions = 0

    def accepted(self, turn: Turn) -> None:
        self.told.append("accepted")
        self.turns.append(turn)

    def asking(self, ask: Ask) -> None:
        self.told.append("asking")
        self.asks.append(ask)

    def first_output(self, turn: Turn) -> None:
        self.told.append("first_output")

    def answered(self, ask: Ask) -> None:
        self.told.append(f"answered:{ask.outcome}")

    def ended(self, turn: Turn) -> None:
        self.told.append(f"ended:{turn.state.value}")

    def evicted(self, principal: str, count: int) -> None:
        self.evictions += count

    def stored(self, operation: str, seconds: float) -> None:
        assert seconds >= 0
        self.steps.append(operation)

    def store_failed(self, operation: str, error: BaseException) -> None:
        self.failures.append((operation, type(error)))


def test_a_turn_is_told_of_from_its_acceptance_to_its_end() -> None:
    seen = Recorder()
    run(turn(Endpoint(StepEngine(*answer("Hello.")), observer=seen), start("t", "Hi")))
    assert seen.told == ["accepted", "asking", "first_output", "answered:answered", "ended:completed"]
    assert seen.turns[0].plan.wire == "segue-http"
    assert (seen.turns[0].asks, seen.asks[0].usage is not None) == (1, True)
    assert seen.steps[:2] == ["known", "claim"]
    assert seen.steps[-1] == "finish"
    assert seen.failures == []


def test_a_failure_and_a_warm_up_and_a_fault() -> None:
    seen = Recorder()
    told = run(turn(Endpoint(StepEngine(upstream()), observer=seen), start("t", "Hi")))
    assert told.failed.error.code == "upstream_failed"
    assert seen.told == ["accepted", "asking", "answered:failed", "ended:failed"]
    assert seen.asks[0].error is not None
    assert seen.asks[0].error.code == "upstream_failed"

    seen = Recorder()
    run(turn(Endpoint(StepEngine(), observer=seen), start("t", "Hi", generate=False)))
    assert seen.told == ["accepted", "ended:completed"]

    seen = Recorder()
    run(turn(Endpoint(StepEngine(ValueError("no")), observer=seen), start("t", "Hi")))
    assert seen.told == ["accepted", "asking", "answered:failed", "ended:failed"]
    assert seen.asks[0].error is None


def test_a_turn_that_is_cancelled_wants_no_more_of_the_answer() -> None:
    seen = Recorder()

    async def main() -> None:
        waits = asyncio.Event()
        endpoint = Endpoint(StepEngine(ItemBegun(0, message("", "assistant")), waits), observer=seen)
        source, fresh = await endpoint.accept(ALICE, start("t", "Hi"))
        assert fresh is not None
        endpoint.spawn(fresh.run())
        while len(source.events) < 2:
            await source.news.wait()
        await endpoint.cancel(ALICE, models.TurnCancel(turn="t"))
        while not source.finished:
            await source.news.wait()

    run(main())
    assert seen.told == ["accepted", "asking", "answered:stopped", "ended:cancelled"]


def test_an_observer_that_fails_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Observer):
        def accepted(self, turn: Turn) -> None:
            raise ValueError("lantern")

        def ended(self, turn: Turn) -> None:
            raise ValueError("lantern")

    seen = Recorder()
    told = run(turn(Endpoint(StepEngine(*answer("Hello.")), observer=Observers([Broken(), seen])), start("t", "Hi")))
    assert told.completed.status == "completed"
    assert seen.told[0] == "accepted"
    assert seen.told[-1] == "ended:completed"
    assert caplog.text.count("an observer failed: ValueError") == 2
    assert "lantern" not in caplog.text


def test_steps_of_the_store_that_fail_are_told_and_fail_all_the_same() -> None:
    seen = Recorder()

    async def full(*arguments: Any, **named: Any) -> None:
        raise Unwritable("the disk is full")

    inner = Endpoint().store
    inner.known = full  # type: ignore[method-assign]
    watched = Endpoint(store=inner, observer=seen)
    with pytest.raises(Unwritable):
        run(watched.accept(ALICE, start("t", "Hi")))
    assert (seen.steps, seen.failures) == (["known"], [("known", Unwritable)])
    assert run(watched.readiness()) == "no_state"


def test_evictions_are_told_with_their_count() -> None:
    seen = Recorder()

    async def main() -> None:
        endpoint = Endpoint(StepEngine(*answer("Hello.")), settings=Settings(continuations=2), observer=seen)
        for name in ("a", "b", "c"):
            await turn(endpoint, start(name, "Hi"))

    run(main())
    assert seen.evictions == 1


def test_sizes_are_those_of_items_and_contexts_and_what_was_spared() -> None:
    seen = Recorder()

    async def main() -> None:
        endpoint = Endpoint(StepEngine(*answer("Hello.")), observer=seen)
        first = await turn(endpoint, start("a", "one", context={"model": "m", "instructions": "Be kind."}))
        await turn(endpoint, start("b", "two", parent=first.id))

    run(main())
    (first, nothing), (second, spared) = map(brought, seen.turns)
    wrote = written(seen.turns[0])
    context = len(json.dumps({"model": "m", "instructions": "Be kind."}))
    assert first == context + len(json.dumps(message("one")))
    assert (nothing, wrote > 0) == (0, True)
    assert second == len(json.dumps(message("two")))
    assert spared == first + wrote
    assert seen.turns[1].plan.parent.total == sum(map(len, seen.turns[1].plan.parent.whole()))


def test_a_trace_of_the_request_is_the_turns_where_the_body_has_none() -> None:
    header = models.Trace(traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    own = models.Trace(traceparent=f"00-{'c' * 32}-{'d' * 16}-01")
    seen = Recorder()

    async def main() -> None:
        endpoint = Endpoint(StepEngine(*answer("Hello.")), observer=seen)
        caller = Once("alice", "segue-http", trace=header)
        await turn(endpoint, start("a", "one"), caller)
        await turn(endpoint, start("b", "one", trace=own), caller)
        await turn(endpoint, start("a", "one"), ALICE)  # a repeat: the trace is no content

    run(main())
    assert [ask.trace for ask in seen.asks] == [header, own]
    assert [seen_turn.trace_id for seen_turn in seen.turns] == ["a" * 32, "c" * 32]


@pytest.mark.parametrize(
    ("param", "told"),
    [
        ("/input/3/content", "/input/3"),
        ("/context/model", "/context"),
        ("/lantern", "/lantern"),
        ("/context/lantern~1x", "/context"),
        ("Lantern", None),
        (None, None),
    ],
)
def test_of_a_place_only_the_protocols_own_words_are_told(param: str | None, told: str | None) -> None:
    assert place_of(models.Error("invalid_request", "fix", "none", "No.", param)) == told


def test_several_are_told_of_everything_that_one_can_be_told_of() -> None:
    told: list[str] = []

    def note(name: str) -> Any:
        return lambda self, *arguments: told.append(name)

    names = [name for name, value in vars(Observer).items() if callable(value) and not name.startswith("_")]
    everything = type("Everything", (Observer,), {name: note(name) for name in names})
    several = Observers([everything(), Observer()])
    for name in names:
        getattr(several, name)(None, None, None)
    assert told == names
    assert len(names) >= 14
