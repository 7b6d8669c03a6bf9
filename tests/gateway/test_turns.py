"""A turn's record: what is written, in which order, and how each way to its end looks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from gateway_lab import (
    ALICE,
    CALL,
    TEXT,
    USAGE,
    Clock,
    StepEngine,
    Told,
    answer,
    message,
    run,
    says,
    start,
    told,
    turn,
    upstream,
)
from segue_gateway import Endpoint, Settings
from segue_gateway.endpoint import Once
from segue_gateway.engines.base import Delta, Ended, ItemBegun, ItemEnded, Progress
from segue_gateway.readings import Source
from segue_gateway.states import Cause
from segue_gateway.stores.base import Event, StaleEpoch
from segue_gateway.turns import Turn
from segue_schemas import history_digest, item_digest, models


async def begun(endpoint: Endpoint, asked: models.TurnStart, caller: Any = ALICE) -> Turn:
    """Start a turn and return it while it runs."""
    _, fresh = await endpoint.accept(caller, asked)
    assert fresh is not None
    endpoint.spawn(fresh.run())
    await asyncio.sleep(0)
    return fresh


async def reached(source: Source, count: int) -> None:
    while len(source.events) < count:
        await source.news.wait()


def held_open(*steps: Any) -> tuple[Endpoint, StepEngine]:
    """Return an endpoint whose model says these and then nothing more."""
    engine = StepEngine(*steps, asyncio.Event())
    return Endpoint(engine), engine


def kinds(events: Sequence[models.ServerMessage]) -> list[str]:
    return [str(type(event).__struct_config__.tag) for event in events]


def test_the_record_of_a_plain_turn() -> None:
    one = run(turn(Endpoint(StepEngine(*answer("hi"))), start("t", "hello")))
    assert kinds(one.events) == ["turn.accepted", "item.started", "item.delta", "item.completed", "turn.completed"]
    assert one.seqs() == [0, 1, 2, 3, 4]
    items = [message("hello"), {"type": "message", "role": "assistant", "content": "hi"}]
    completed = one.events[3]
    assert isinstance(completed, models.ItemCompleted)
    assert completed.digest == item_digest(items[1])
    assert completed.item is msgspec.UNSET  # skeleton and deltas rebuild it (SEG-ITEM-007)
    assert (one.completed.digest, one.completed.length) == (history_digest(items), 2)
    assert one.completed.usage == USAGE


def test_an_item_is_carried_only_where_deltas_do_not_rebuild_it() -> None:
    same = b'{"role":"assistant","type":"message","content":[{"type":"output_text","text":"hi"}]}'
    other = b'{"type":"message","role":"assistant","content":[{"type":"output_text","text":"hi","annotations":[]}]}'
    for whole, carried in ((same, False), (other, True)):
        engine = StepEngine(TEXT, says("hi"), ItemEnded(0, whole), Ended())
        one = run(turn(Endpoint(engine), start("t", "hello")))
        completed = one.events[3]
        assert isinstance(completed, models.ItemCompleted)
        assert isinstance(completed.item, msgspec.Raw) is carried


def test_a_whole_item_is_not_in_progress() -> None:
    begun_item = ItemBegun(0, {"type": "vendor:x", "status": "in_progress"})
    one = run(turn(Endpoint(StepEngine(begun_item, ItemEnded(0), Ended())), start("t", "hello")))
    put = one.events[2]
    assert isinstance(put, models.ItemDelta)
    assert (put.at, bytes(put.put)) == ("/status", b'"completed"')  # type: ignore[arg-type]


def test_a_warm_up_asks_no_model_and_makes_history() -> None:
    engine = StepEngine(*answer("never"))
    one = run(turn(Endpoint(engine), start("t", "hello", generate=False)))
    assert kinds(one.events) == ["turn.accepted", "turn.completed"]
    assert (one.completed.status, one.completed.length, one.completed.usage) == ("completed", 1, msgspec.UNSET)
    assert one.id
    assert engine.asked == []


def test_the_model_is_given_the_whole_history_at_any_depth() -> None:
    async def main() -> None:
        engine = StepEngine(*answer("ok"))
        endpoint = Endpoint(engine)
        parent: Any = msgspec.UNSET
        for number in range(5):
            one = await turn(endpoint, start(f"t{number}", f"m{number}", parent=parent))
            parent = one.id
        assert one.accepted.reused == models.Reused(items=8, tier="cached")
        texts = [msgspec.json.decode(item)["content"] for item in engine.asked[-1].items]
        assert [text for text in texts if isinstance(text, str)] == ["m0", "m1", "m2", "m3", "m4"]
        assert len(texts) == 9

    run(main())


def test_cached_answers_expire_and_none_issues_no_handle(clock: Clock) -> None:
    async def main() -> None:
        endpoint = Endpoint(settings=Settings(cached_ms=1_000), clock=clock)
        one = await turn(endpoint, start("a", "hello"))
        assert isinstance(one.completed.continuation, models.Continuation)
        assert one.completed.continuation.expires_in_ms == 1_000
        none = await turn(endpoint, start("b", "hello", retention="none"))
        assert none.accepted.retention == "none"
        assert none.completed.continuation is msgspec.UNSET
        again = await turn(endpoint, start("b", "hello", retention="none"))
        assert again.accepted.replayed is True  # G4: whatever its retention
        clock.advance(400)
        again = await turn(endpoint, start("a", "hello"))
        assert isinstance(again.completed.continuation, models.Continuation)
        assert again.completed.continuation.expires_in_ms == 600

    run(main())


# -- the ways to an end


def test_output_cut_at_its_limit_is_incomplete_and_history() -> None:
    engine = StepEngine(TEXT, says("cut"), Ended("incomplete", "max_output_tokens", USAGE))
    one = run(turn(Endpoint(engine), start("t", "hello")))
    assert (one.completed.status, one.completed.reason) == ("incomplete", "max_output_tokens")
    assert kinds(one.events)[2:] == ["item.delta", "item.delta", "item.completed", "turn.completed"]
    marked = one.events[3]
    assert isinstance(marked, models.ItemDelta)
    assert (marked.at, bytes(marked.put)) == ("/status", b'"incomplete"')  # type: ignore[arg-type]
    assert one.completed.length == 2
    assert one.id


def test_half_a_call_is_discarded_and_no_item_of_the_history() -> None:
    half = ItemBegun(1, {"type": "function_call", "call_id": "call_9", "name": "f", "arguments": ""})
    steps = (TEXT, says("I call"), ItemEnded(0), half, Delta(1, "/arguments", append='{"a'), Ended("incomplete", "x"))
    one = run(turn(Endpoint(StepEngine(*steps)), start("t", "hello")))
    assert one.completed.discarded == [1]
    assert one.completed.length == 2


def test_a_message_without_a_word_is_discarded_when_cut() -> None:
    one = run(turn(Endpoint(StepEngine(TEXT, Ended("incomplete", "x"))), start("t", "hello")))
    assert one.completed.discarded == [0]
    assert one.completed.length == 1


def test_a_turn_that_ends_in_calls_is_completed_and_its_calls_are_open() -> None:
    async def main() -> None:
        engine = StepEngine(CALL, Delta(0, "/arguments", append="{}"), ItemEnded(0), Ended())
        endpoint = Endpoint(engine)
        one = await turn(endpoint, start("t", "hello"))
        assert one.completed.status == "completed"
        answered = {"type": "function_call_output", "call_id": "call_9", "output": "x"}
        await turn(endpoint, start("u", answered, parent=one.id))
        assert len(engine.asked[-1].items) == 3

    run(main())


def test_a_cancelled_turn_keeps_what_was_seen() -> None:
    async def main() -> None:
        endpoint, engine = held_open(TEXT, says("seen"))
        running = await begun(endpoint, start("t", "hello"))
        await reached(running, 3)
        reader = asyncio.ensure_future(told(endpoint.reading(running)))
        await endpoint.cancel(ALICE, models.TurnCancel(turn="t"))
        one = await reader
        assert one.completed.status == "cancelled"
        assert one.completed.length == 2
        assert one.completed.usage is msgspec.UNSET  # not reported, so absent and not 0
        assert engine.closed == 1
        assert endpoint.running == {}
        assert (await endpoint.held(ALICE, one.id)).handle.history.length == 2

    run(main())


def test_a_turn_that_waits_can_be_cancelled_and_is_never_run() -> None:
    async def main() -> None:
        engine = StepEngine(*answer("never"))
        endpoint = Endpoint(engine)
        source, fresh = await endpoint.accept(ALICE, start("t", "hello"))
        assert fresh is not None
        await endpoint.cancel(ALICE, models.TurnCancel(turn="t"))
        await fresh.run()
        one = await told(endpoint.reading(source))
        assert one.completed.status == "cancelled"
        assert one.completed.length == 1
        assert engine.asked == []

    run(main())


def test_cancelling_twice_or_too_late_changes_nothing() -> None:
    async def main() -> None:
        endpoint, _ = held_open(TEXT, says("seen"))
        running = await begun(endpoint, start("t", "hello"))
        running.cancel()
        running.cancel()
        one = await told(endpoint.reading(running))
        source = await endpoint.cancel(ALICE, models.TurnCancel(turn="t"))
        assert list(source.events)[-1].seq == one.completed.seq
        assert one.seqs() == list(range(len(one.events)))

    run(main())


def test_a_cancel_that_keeps_nothing_issues_no_handle() -> None:
    async def main() -> None:
        endpoint, _ = held_open(TEXT, says("seen"))
        running = await begun(endpoint, start("t", "hello"))
        running.cancel(keep=False)
        one = await told(endpoint.reading(running))
        assert one.completed.continuation is msgspec.UNSET

    run(main())


@pytest.mark.parametrize(("steps", "effect"), [((), "unknown"), ((TEXT, says("x")), "partial")])
def test_a_turn_that_outlives_its_deadline_fails(steps: tuple[Any, ...], effect: str) -> None:
    async def main() -> None:
        endpoint, engine = held_open(*steps)
        one = await turn(endpoint, start("t", "hello", deadline_ms=30))
        assert (one.failed.error.code, one.failed.error.effect) == ("deadline_exceeded", effect)
        assert engine.closed == 1

    run(main())


@pytest.mark.parametrize(("steps", "effect"), [((), "none"), ((TEXT,), "partial")])
def test_a_failure_of_the_model_ends_the_turn_and_leaves_its_parent(steps: tuple[Any, ...], effect: str) -> None:
    async def main() -> None:
        endpoint = Endpoint()
        first = await turn(endpoint, start("a", "Remember this word: amber."))
        endpoint.engine = StepEngine(*steps, upstream("none"))
        one = await turn(endpoint, start("b", "hello", parent=first.id))
        assert (one.failed.error.code, one.failed.error.effect) == ("upstream_failed", effect)
        assert one.failed.seq == len(one.events) - 1
        endpoint.engine = Endpoint().engine
        asked = start("c", "Which word did I ask you to remember?", parent=first.id)
        assert (await turn(endpoint, asked)).text == "amber"

    run(main())


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([TEXT, Delta(0, "/nowhere/at/all", append="x")], "upstream_failed"),
        ([ItemBegun(0, {"type": "message", "role": "assistant"}), ItemEnded(0)], "upstream_failed"),
        ([Delta(3, "/x", append="x")], "internal_error"),
        ([RuntimeError("a fault")], "internal_error"),
        ([], "upstream_failed"),  # it stops without an end
    ],
)
def test_an_engine_that_talks_nonsense_ends_its_turn(steps: list[Any], code: str, caplog: Any) -> None:
    one = run(turn(Endpoint(StepEngine(*steps)), start("t", "hello")))
    assert one.failed.error.code == code


def test_a_retention_that_is_lost_leaves_the_output_readable() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        parent = await turn(endpoint, start("a", "hello"))
        gate = asyncio.Event()
        endpoint.engine = StepEngine(TEXT, says("kept"), gate, ItemEnded(0), Ended())
        running = await begun(endpoint, start("b", "hello", parent=parent.id))
        await reached(running, 3)
        await endpoint.delete(ALICE, models.ContinuationDelete(ref="r", id=parent.id, descendants=True))
        gate.set()
        one = await told(endpoint.reading(running))
        assert (one.completed.status, one.completed.reason) == ("incomplete", "retention_lost")
        assert one.completed.continuation is msgspec.UNSET
        assert one.text == "kept"

    run(main())


def test_a_shutdown_interrupts_what_runs_and_says_so() -> None:
    async def main() -> None:
        endpoint, _ = held_open(TEXT, says("x"))
        running = await begun(endpoint, start("t", "hello"))
        await reached(running, 3)
        reader = asyncio.ensure_future(told(endpoint.reading(running)))
        await endpoint.shutdown(0)
        assert (await reader).failed.error.code == "interrupted"

    run(main())


# -- written, then delivered


def test_nothing_is_delivered_that_was_not_written() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        endpoint = Endpoint(StepEngine(TEXT, says("hi"), gate, ItemEnded(0), Ended()))
        written = [0]
        append, finish, seen = endpoint.store.append, endpoint.store.finish, []

        async def slow(principal: str, name: str, epoch: int, events: Sequence[Event]) -> None:
            await asyncio.sleep(0.01)
            await append(principal, name, epoch, events)
            written.extend(event.seq for event in events if isinstance(event.seq, int))

        async def slow_end(principal: str, name: str, epoch: int, terminal: Any, handle: Any, before: Any) -> Any:
            await asyncio.sleep(0.01)
            left = await finish(principal, name, epoch, terminal, handle, before)
            written.extend(event.seq for event in (*before, terminal))
            return left

        endpoint.store.append, endpoint.store.finish = slow, slow_end  # type: ignore[assignment]
        running = await begun(endpoint, start("t", "hello"))
        async for event in endpoint.reading(running):
            seen.append(getattr(event, "seq", None))
            assert seen[-1] in written
            if seen[-1] == 2:
                gate.set()
        assert seen == [0, 1, 2, 3, 4]

    run(main())


def test_an_owner_that_lost_its_turn_delivers_nothing_more_and_stops_the_model() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        engine = StepEngine(TEXT, gate, says("never"), asyncio.Event())
        endpoint = Endpoint(engine)
        running = await begun(endpoint, start("t", "hello"))
        await reached(running, 2)

        async def stale(*_: Any) -> None:
            raise StaleEpoch("t")

        endpoint.store.append = stale  # type: ignore[assignment]
        reader = asyncio.ensure_future(told(endpoint.reading(running)))
        gate.set()
        events = (await reader).events
        assert kinds(events) == ["turn.accepted", "item.started", "error"]
        assert isinstance(events[-1], models.ErrorMessage)
        assert (events[-1].error.code, events[-1].error.effect) == ("interrupted", "unknown")
        assert engine.closed == 1
        assert endpoint.running == {}

    run(main())


def test_a_store_that_fails_altogether_does_not_leave_readers_waiting(caplog: Any) -> None:
    async def main() -> None:
        endpoint = Endpoint(StepEngine(*answer("hi")))

        async def broken(*_: Any) -> None:
            raise OSError("the disk is gone")

        endpoint.store.append = broken  # type: ignore[assignment]
        endpoint.store.finish = broken  # type: ignore[assignment]
        events = (await turn(endpoint, start("t", "hello"))).events
        assert kinds(events) == ["turn.accepted", "error"]

    run(main())


def test_deltas_are_gathered_for_the_declared_time_and_no_longer() -> None:
    async def main(pause: bool) -> Told:
        gate = asyncio.Event()
        steps: list[Any] = [TEXT, says("a"), says("b")]
        steps += [gate] if pause else []
        endpoint = Endpoint(StepEngine(*steps, says("c"), ItemEnded(0), Ended()), settings=Settings(flush_ms=40))
        running = await begun(endpoint, start("t", "hello"))
        reader = asyncio.ensure_future(told(endpoint.reading(running)))
        if pause:
            await reached(running, 3)  # what was gathered is written without a third word
            gate.set()
        return await reader

    for pause, pieces in ((False, ["abc"]), (True, ["ab", "c"])):
        one = run(main(pause))
        assert [event.append for event in one.events if isinstance(event, models.ItemDelta)] == pieces
        assert one.seqs() == list(range(len(one.events)))


def test_readers_come_and_go_and_the_turn_goes_on() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        endpoint = Endpoint(StepEngine(TEXT, says("a"), gate, says("b"), ItemEnded(0), Ended()))
        running = await begun(endpoint, start("t", "hello"))
        await reached(running, 3)
        lost = asyncio.ensure_future(told(endpoint.reading(running)))
        await asyncio.sleep(0)
        lost.cancel()
        early = asyncio.ensure_future(told(endpoint.reading(running)))
        late = asyncio.ensure_future(told(endpoint.reading(running, after=1)))
        gate.set()
        assert (await early).text == "ab"
        assert (await late).seqs() == [2, 3, 4, 5]
        again = await endpoint.resume(ALICE, models.TurnResume(turn="t", after=4))
        assert (await told(again)).seqs() == [5]

    run(main())


def test_a_context_sent_by_digest_is_echoed_whole_on_a_foreign_wire() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        first = await turn(endpoint, start("a", "hello", context={"model": "scripted"}))
        running = await begun(endpoint, start("b", "hello", parent=first.id))
        facts = running.facts()
        assert bytes(facts.start.context) == b'{"model": "scripted"}'  # type: ignore[arg-type]
        assert facts.response_id == running.plan.continuation
        await told(endpoint.reading(running))

    run(main())


def test_a_connection_that_ends_before_its_turn_takes_the_handle_along() -> None:
    class Gone(Once):
        def left_ms(self) -> int | None:
            return 5_000

    async def main() -> None:
        endpoint = Endpoint()
        caller = Gone("alice", "segue-ws", "scope")
        one = await turn(endpoint, start("t", "hello", retention="connection"), caller)
        assert (one.completed.status, one.completed.reason) == ("incomplete", "retention_lost")
        assert one.completed.continuation is msgspec.UNSET
        assert one.text  # the model goes on: what it said is readable

    run(main())


def test_progress_of_the_model_is_told_while_it_is_silent() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        engine = StepEngine(Progress("thinking"), gate, *answer("x"))
        endpoint = Endpoint(engine, settings=Settings(heartbeat_ms=30))
        running = await begun(endpoint, start("t", "hello"))
        phases = []
        async for event in endpoint.reading(running):
            if isinstance(event, models.TurnProgress):
                phases.append(event.phase)
                if len(phases) == 2:
                    gate.set()
        assert phases == ["thinking", "thinking"]

    run(main())


def test_only_the_first_reason_to_stop_counts() -> None:
    async def main() -> None:
        endpoint, _ = held_open()
        running = await begun(endpoint, start("t", "hello"))
        running.interrupt(Cause.CANCEL)
        running.interrupt(Cause.DEADLINE)
        assert (await told(endpoint.reading(running))).completed.status == "cancelled"

    run(main())
