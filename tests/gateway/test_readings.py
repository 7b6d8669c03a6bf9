"""Readings: merged deltas, whole items, signs of life, and what a record says when it is read again."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import msgspec
import pytest
from gateway_lab import ALICE, TEXT, Clock, StepEngine, Told, answer, run, says, start, told, turn
from segue_adapters.assembly import ItemAssembler
from segue_adapters.wires.base import Refuse
from segue_gateway import Endpoint, Settings
from segue_gateway.engines.base import Delta, Ended, ItemBegun, ItemEnded
from segue_gateway.readings import Reading, Recorded, snapshot
from segue_schemas import models


def items_of(one: Told) -> list[bytes]:
    assembler = ItemAssembler()
    for event in one.events:
        assembler.apply(event)
    return assembler.items


def test_merged_deltas_rebuild_the_same_items() -> None:
    two_parts = ItemBegun(0, {"type": "message", "role": "assistant", "content": []})
    steps: list[Any] = [
        two_parts,
        Delta(0, "/content/0", put={"type": "output_text", "text": ""}),
        *(says(piece) for piece in "abc"),
        Delta(0, "/content/1", put={"type": "output_text", "text": ""}),
        Delta(0, "/content/1/text", append="d"),
        Delta(0, "/content/1/text", append="e"),
        ItemEnded(0),
        Ended(),
    ]
    endpoint = Endpoint(StepEngine(*steps))

    async def main() -> tuple[Told, Told]:
        plain = await turn(endpoint, start("t", "hello"))
        merged = await turn(endpoint, start("t", "hello", delivery=models.Delivery(coalesce_ms=50)))
        return plain, merged

    plain, merged = run(main())
    assert items_of(plain) == items_of(merged)
    assert merged.seqs() == [0, 1, 2, 5, 6, 8, 9, 10]
    spans = [(e.from_, e.seq, e.append) for e in merged.events if isinstance(e, models.ItemDelta) and e.from_]
    assert spans == [(3, 5, "abc"), (7, 8, "de")]


def test_texts_that_are_added_to_a_list_are_never_merged() -> None:
    lines = ItemBegun(0, {"type": "vendor:lines", "lines": []})
    added = [Delta(0, "/lines/-", append=letter) for letter in "abc"]
    named = [Delta(0, "/name", append=letter) for letter in "xyz"]  # the first of them makes the member
    steps: list[Any] = [lines, *added, *named, ItemEnded(0), Ended()]

    async def main(**settings: int) -> Told:
        endpoint = Endpoint(StepEngine(*steps), settings=Settings(**settings))
        await turn(endpoint, start("t", "hello"))
        return await turn(endpoint, start("t", "hello", delivery=models.Delivery(coalesce_ms=50)))

    merged = run(main())
    assert json.loads(items_of(merged)[0]) == {"type": "vendor:lines", "lines": ["a", "b", "c"], "name": "xyz"}
    spans = [(e.from_, e.seq, e.append) for e in merged.events if isinstance(e, models.ItemDelta) and e.from_]
    assert spans == [(6, 7, "yz")]
    assert items_of(run(main(flush_ms=50))) == items_of(merged)


def test_a_reading_ends_with_an_error_where_its_record_is_deleted() -> None:
    async def main() -> None:
        endpoint = Endpoint(StepEngine(*answer("hello")))
        first = await turn(endpoint, start("t", "hello"))
        source = await endpoint.attach("alice", "t")
        slow, late = (aiter(endpoint.reading(source)) for _ in range(2))
        assert isinstance(await anext(slow), models.TurnAccepted)
        await endpoint.delete(ALICE, models.ContinuationDelete(ref="r", id=first.id))
        for reading in (slow, late):
            rest = [event async for event in reading]
            assert len(rest) == 1
            assert isinstance(rest[0], models.ErrorMessage)
            error = rest[0].error
            assert (error.code, error.advice, error.effect) == ("events_gone", "give_up", "partial")
            assert (rest[0].turn, rest[0].refused) == ("t", msgspec.UNSET)
        other = await turn(endpoint, start("t2", "hello"))
        untouched = endpoint.reading(await endpoint.attach("alice", "t2"))
        await endpoint.delete(ALICE, models.ContinuationDelete(ref="r", id=(await turn(endpoint, start("t3", "a"))).id))
        assert (await told(untouched)).completed.digest == other.completed.digest

    run(main())


def test_gathering_waits_for_more_but_not_for_long() -> None:
    async def main() -> Told:
        async def feed(gates: list[asyncio.Event]) -> None:
            for gate in gates:
                gate.set()
                await asyncio.sleep(0.01)

        gates = [asyncio.Event() for _ in range(4)]
        steps: list[Any] = [TEXT]
        for gate, piece in zip(gates, "abcd", strict=True):
            steps += [gate, says(piece)]
        endpoint = Endpoint(StepEngine(*steps, ItemEnded(0), Ended()))
        endpoint.spawn(feed(gates))
        return await turn(endpoint, start("t", "hello", delivery=models.Delivery(coalesce_ms=300)))

    one = run(main())
    assert [e.append for e in one.events if isinstance(e, models.ItemDelta)] == ["abcd"]


def test_final_brings_whole_items_and_no_deltas() -> None:
    async def main() -> tuple[Told, Told]:
        endpoint = Endpoint()
        asked = start("t", "Count from 1 to 3", delivery=models.Delivery(mode="final"))
        return await turn(endpoint, asked), await turn(endpoint, start("t", "Count from 1 to 3"))

    final, stream = run(main())
    assert not any(isinstance(event, models.ItemDelta) for event in final.events)
    completed = [event for event in final.events if isinstance(event, models.ItemCompleted)]
    assert b"1 2 3" in bytes(completed[0].item)  # type: ignore[arg-type]
    assert items_of(final) == items_of(stream)
    assert final.id == stream.id


def test_a_turn_that_waits_gives_signs_of_life_early_enough() -> None:
    async def main() -> tuple[list[str], float]:
        endpoint = Endpoint(StepEngine(*answer("x")), settings=Settings(heartbeat_ms=60))
        source, _ = await endpoint.accept(ALICE, start("t", "hello"))
        phases, before = [], time.monotonic()
        longest = 0.0
        async for event in endpoint.reading(source):
            longest = max(longest, time.monotonic() - before)
            before = time.monotonic()
            if isinstance(event, models.TurnProgress):
                phases.append(event.phase)
                if len(phases) == 3:
                    break
        return phases, longest

    phases, longest = run(main())
    assert phases == ["queued"] * 3
    assert longest >= 0.03  # it is a timer and no flood


def test_a_number_that_was_not_written_can_not_be_read_behind() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        one = await turn(endpoint, start("t", "hello"))
        last = one.seqs()[-1]
        assert (await told(await endpoint.resume(ALICE, models.TurnResume(turn="t", after=last)))).events == []
        with pytest.raises(Refuse) as caught:
            await endpoint.resume(ALICE, models.TurnResume(turn="t", after=last + 1))
        assert (caught.value.error.code, caught.value.error.param) == ("invalid_request", "/after")
        with pytest.raises(Refuse) as caught:
            await endpoint.resume(ALICE, models.TurnResume(turn="unknown"))
        assert (caught.value.error.code, caught.value.error.advice) == ("turn_not_found", "resend_full")

    run(main())


def test_a_record_read_again_is_the_same_but_for_replayed_and_durations(clock: Clock) -> None:
    async def main() -> None:
        endpoint = Endpoint(clock=clock)
        first = await turn(endpoint, start("t", "Count from 1 to 3"))
        clock.advance(1_500)
        again = await told(await endpoint.resume(ALICE, models.TurnResume(turn="t")))
        assert first.events[1:-1] == again.events[1:-1]
        assert again.accepted.replayed is True
        assert isinstance(first.completed.continuation, models.Continuation)
        assert isinstance(again.completed.continuation, models.Continuation)
        before, later = first.completed.continuation.expires_in_ms, again.completed.continuation.expires_in_ms
        assert isinstance(before, int)
        assert isinstance(later, int)
        assert before - later == 1_500

    run(main())


def test_a_record_without_an_end_is_told_as_lost() -> None:
    source = Recorded(
        "t", [models.TurnAccepted(turn="t", seq=0, retention="none", context=None or msgspec.UNSET)], None
    )

    async def main() -> list[models.ServerMessage]:
        return [event async for event in Reading(source)]

    events = run(main())
    assert isinstance(events[-1], models.ErrorMessage)
    assert (events[-1].error.code, events[-1].error.advice) == ("interrupted", "reconnect")
    assert events[-1].refused is msgspec.UNSET  # the end of a reading refuses nothing


def test_a_snapshot_says_what_the_events_say() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        endpoint = Endpoint(StepEngine(TEXT, says("a"), ItemEnded(0), gate, Ended()))
        source, fresh = await endpoint.accept(ALICE, start("t", "hello"))
        assert fresh is not None
        endpoint.spawn(fresh.run())
        while len(source.events) < 4:
            await source.news.wait()
        running = snapshot(source, replayed=False, retry_after_ms=500)
        assert (running.retry_after_ms, running.completed, len(running.items)) == (500, msgspec.UNSET, 1)
        gate.set()
        await told(endpoint.reading(source))
        ended = snapshot(source, replayed=True, retry_after_ms=500)
        assert ended.retry_after_ms is msgspec.UNSET
        assert isinstance(ended.completed, models.TurnCompleted)
        assert ended.accepted.replayed is True

    run(main())
