"""Steers: where they enter, what the model is asked then, who is answered how, and what is kept of them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest
from gateway_lab import (
    ALICE,
    BOB,
    CALL,
    PATIENCE,
    TEXT,
    USAGE,
    Clock,
    StepEngine,
    answer,
    call,
    message,
    output,
    run,
    says,
    start,
    told,
)
from segue_adapters.wires.base import Refuse
from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Delta, Ended, ItemBegun, ItemEnded
from segue_gateway.readings import snapshot
from segue_gateway.settings import Settings
from segue_schemas import history_digest, models

SECOND = ItemBegun(1, {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]})


def steer(*items: Any, turn: str = "t", name: str = "s") -> models.TurnSteer:
    made = [message(one) if isinstance(one, str) else one for one in items]
    return models.TurnSteer(turn=turn, steer=name, input=[msgspec.Raw(json.dumps(one).encode()) for one in made])


class Line:
    """A connection that keeps what it was told."""

    def __init__(self, endpoint: Endpoint, principal: str = "alice") -> None:
        self.told: list[Any] = []
        self.connection = Connection(endpoint, principal, "segue-ws", self.deliver, self.close)

    async def deliver(self, message: models.ServerMessage) -> None:
        self.told.append(message)

    async def close(self, code: int) -> None:
        raise AssertionError(code)

    async def until(self, kind: type[Any], count: int = 1) -> Any:
        async with asyncio.timeout(PATIENCE):
            while sum(isinstance(one, kind) for one in self.told) < count:
                await asyncio.sleep(0.002)
        return [one for one in self.told if isinstance(one, kind)][count - 1]

    def kinds(self) -> list[str]:
        return [type(one).__struct_config__.tag for one in self.told if not isinstance(one, models.TurnProgress)]


class Twice(StepEngine):
    """An engine whose second answer is another."""

    def __init__(self, first: list[Any], second: list[Any]) -> None:
        super().__init__()
        self.answers = [first, second]

    async def generate(self, request: Any) -> Any:
        self.steps = tuple(self.answers[min(len(self.asked), 1)])
        async for event in super().generate(request):
            yield event


def test_a_steer_enters_behind_the_item_and_the_model_is_asked_again() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        engine = Twice([TEXT, says("one"), gate, ItemEnded(0), Ended("completed", None, USAGE)], answer("two"))
        line = Line(Endpoint(engine))
        await line.connection.handle(start("t", "hello"))
        await line.until(models.ItemDelta)
        await line.connection.handle(steer("stop", "go left"))
        gate.set()
        done = await line.until(models.TurnCompleted)
        assert line.kinds() == [
            "turn.accepted", "item.started", "item.delta", "item.completed", "turn.steered",
            "item.started", "item.delta", "item.completed", "turn.completed",
        ]  # fmt: skip
        entered = await line.until(models.TurnSteered)
        assert (entered.index, entered.steer, entered.seq) == (1, "s", 4)
        assert [json.loads(bytes(one)) for one in entered.items] == [message("stop"), message("go left")]
        assert [e.index for e in line.told if isinstance(e, models.ItemStarted)] == [0, 3]
        assert done.length == 5
        assert done.usage == models.Usage(input_tokens=2, output_tokens=4, total_tokens=6)
        history = [message("hello"), message("one", "assistant"), message("stop"), message("go left"),
                   message("two", "assistant")]  # fmt: skip
        assert done.digest == history_digest(history)
        assert [json.loads(one) for one in engine.asked[1].items][-1] == message("go left")
        source = await line.connection.endpoint.attach("alice", "t")
        assert len(snapshot(source, replayed=True, retry_after_ms=1).items) == 4

    run(main())


def test_it_enters_in_front_of_the_next_item_and_what_was_asked_is_given_up() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        first = [TEXT, says("one"), ItemEnded(0), gate, SECOND, Delta(1, "/content/0/text", append="never seen")]
        engine = Twice([*first, ItemEnded(1), Ended("completed", None, USAGE)], answer("two"))
        line = Line(Endpoint(engine))
        await line.connection.handle(start("t", "hello"))
        await line.until(models.ItemCompleted)
        await line.connection.handle(steer("stop"))
        gate.set()
        done = await line.until(models.TurnCompleted)
        assert "never seen" not in str(line.told)
        assert done.usage is msgspec.UNSET  # nobody knows what the first request cost
        assert engine.closed == 2

    run(main())


def test_one_that_waits_in_its_lane_takes_it_in_front() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        engine = Twice([TEXT, gate, says("a"), ItemEnded(0), Ended()], answer("b"))
        line = Line(Endpoint(engine))
        await line.connection.handle(start("t1", "first"))
        await line.connection.handle(start("t", "second"))
        await line.connection.handle(steer("third"))
        gate.set()
        await line.until(models.TurnCompleted, 2)
        entered = await line.until(models.TurnSteered)
        assert (entered.index, entered.seq) == (0, 1)
        assert [json.loads(one)["content"] for one in engine.asked[1].items] == ["second", "third"]

    run(main())


def test_open_calls_keep_it_out_and_it_is_told_before_the_end() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        engine = StepEngine(CALL, Delta(0, "/arguments", append="{}"), gate, ItemEnded(0), Ended())
        line = Line(Endpoint(engine))
        await line.connection.handle(start("t", "hello"))
        await line.until(models.ItemDelta)
        await line.connection.handle(steer("stop"))
        gate.set()
        await line.until(models.TurnCompleted)
        assert line.kinds()[-2:] == ["error", "turn.completed"]
        refusal = line.told[-2]
        assert (refusal.error.code, refusal.error.effect, refusal.refused) == ("too_late", "none", "turn.steer")
        assert (refusal.turn, refusal.steer) == ("t", "s")
        before = len(line.told)
        await line.connection.handle(steer("stop"))  # again: the same answer
        assert line.told[before].error.code == "too_late"
        await line.connection.handle(steer("another"))
        assert line.told[before + 1].error.code == "turn_conflict"
        await line.connection.handle(steer("new", name="s2"))
        assert line.told[before + 2].error.code == "too_late"

    run(main())


def test_a_repeat_gets_the_same_answer_alone_where_no_reading_brings_it() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        engine = Twice([TEXT, says("one"), gate, ItemEnded(0), Ended()], answer("two"))
        endpoint = Endpoint(engine)
        line, other = Line(endpoint), Line(endpoint)
        await line.connection.handle(start("t", "hello"))
        await line.until(models.ItemDelta)
        await line.connection.handle(steer("stop"))
        await line.connection.handle(steer("stop"))  # while it waits: one answer for both
        await other.connection.handle(steer("stop"))  # a connection that reads nothing of it
        gate.set()
        await line.until(models.TurnCompleted)
        entered = await line.until(models.TurnSteered)
        assert line.kinds().count("turn.steered") == 1
        assert (await other.until(models.TurnSteered)).seq == entered.seq
        assert other.kinds() == ["turn.steered"]
        await line.connection.handle(steer("stop"))
        assert line.told[-1] == entered
        await other.connection.handle(steer("other"))
        assert other.told[-1].error.code == "turn_conflict"
        for seq in (entered.seq, None):
            third = Line(endpoint)
            resume = models.TurnResume(turn="t", after=msgspec.UNSET if seq is None else seq)
            await third.connection.handle(resume)
            await third.connection.handle(steer("stop"))
            await third.until(models.TurnCompleted)
            await asyncio.sleep(0.01)
            assert third.kinds().count("turn.steered") == 1

    run(main())


@pytest.mark.parametrize(
    ("items", "code", "param"),
    [
        ([call()], "invalid_request", "/input"),
        ([output("gone")], "invalid_request", "/input/0/call_id"),
        (["a", {"type": "message"}], "invalid_request", "/input/1"),
        ([{"type": "compaction"}], "invalid_request", "/input/0"),
    ],
)
def test_what_can_not_enter_is_refused_and_the_turn_goes_on(items: list[Any], code: str, param: str) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        line = Line(Endpoint(StepEngine(TEXT, says("one"), gate, ItemEnded(0), Ended())))
        await line.connection.handle(start("t", "hello"))
        await line.until(models.ItemDelta)
        await line.connection.handle(steer(*items))
        assert (line.told[-1].error.code, line.told[-1].error.param) == (code, param)
        gate.set()
        assert (await line.until(models.TurnCompleted)).length == 2

    run(main())


def test_a_call_with_its_output_may_enter() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        engine = Twice([TEXT, says("one"), gate, ItemEnded(0), Ended()], answer("two"))
        line = Line(Endpoint(engine))
        await line.connection.handle(start("t", "hello"))
        await line.until(models.ItemDelta)
        await line.connection.handle(steer(call(), output()))
        gate.set()
        assert (await line.until(models.TurnCompleted)).length == 5

    run(main())


def test_unknown_foreign_and_gone_turns_take_none() -> None:
    async def main() -> None:
        clock = Clock()
        endpoint = Endpoint(StepEngine(*answer("hi")), settings=Settings(replay_ms=1_000), clock=clock)
        source, fresh = await endpoint.accept(ALICE, start("t", "hello"))
        assert fresh is not None
        await fresh.run()
        await told(endpoint.reading(source))
        for caller, code in ((BOB, "turn_not_found"), (ALICE, "too_late")):
            with pytest.raises(Refuse) as caught:
                await endpoint.steer(caller, steer("x"))
            assert caught.value.error.code == code
        clock.advance(1_001)
        with pytest.raises(Refuse) as caught:
            await endpoint.steer(ALICE, steer("x"))
        assert caught.value.error.code == "events_gone"

    run(main())


def test_a_turn_takes_so_many_and_refusals_are_kept_as_long_as_the_record() -> None:
    async def main() -> None:
        clock, gate = Clock(), asyncio.Event()
        endpoint = Endpoint(StepEngine(CALL, gate, Ended()), settings=Settings(replay_ms=1_000), clock=clock)
        _, fresh = await endpoint.accept(ALICE, start("t", "hello"))
        assert fresh is not None
        task = endpoint.spawn(fresh.run())
        await asyncio.sleep(0)
        for number in range(64):
            await endpoint.steer(ALICE, steer("x", name=f"s{number}"))
        with pytest.raises(Refuse) as caught:
            await endpoint.steer(ALICE, steer("x", name="more"))
        assert (caught.value.error.code, caught.value.error.effect) == ("quota_exceeded", "none")
        gate.set()
        await task
        assert len(endpoint._late) == 1
        clock.advance(1_000)
        endpoint.forget_late()
        assert endpoint._late == {}

    run(main())


def test_a_cancel_leaves_no_steer_without_an_answer() -> None:
    async def main() -> None:
        line = Line(Endpoint(StepEngine(TEXT, says("one"), asyncio.Event())))
        await line.connection.handle(start("t", "hello"))
        await line.until(models.ItemDelta)
        await line.connection.handle(steer("stop"))
        await line.connection.handle(models.TurnCancel(turn="t"))
        await line.until(models.TurnCompleted)
        assert line.kinds()[-2:] == ["error", "turn.completed"]

    run(main())
