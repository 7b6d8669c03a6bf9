"""Reading ahead of a model: what is ready is taken together, in order, and no more is read than has room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from gateway_lab import run, says
from segue_gateway import ahead as module
from segue_gateway.ahead import Ahead
from segue_gateway.engines.base import Delta, EngineEvent, EngineFailure


class Model:
    """Says words as long as it is asked for them; `said` counts them, `over` that it was let go."""

    def __init__(self, words: int, fault: Exception | None = None, *, waits: asyncio.Event | None = None) -> None:
        self.words, self.fault, self.waits = words, fault, waits
        self.said = self.over = 0

    async def generate(self) -> AsyncIterator[EngineEvent]:
        try:
            for number in range(self.words):
                self.said += 1
                yield says(str(number))
            if self.waits is not None:
                await self.waits.wait()
            if self.fault is not None:
                raise self.fault
        finally:
            self.over += 1


def test_all_that_is_ready_is_taken_in_its_order_and_no_more_than_has_room() -> None:
    async def main() -> None:
        model = Model(1_000)
        reading = Ahead(model.generate())
        taken: list[EngineEvent] = []
        await reading.wait(None)
        assert model.said == module._MOST
        while len(taken) < 1_000:
            some = reading.take()
            assert 0 < len(some) <= module._AT_ONCE
            taken += some
            await reading.wait(None)
        with pytest.raises(EngineFailure, match="without an end"):
            reading.take()
        assert [event.append for event in taken if isinstance(event, Delta)] == [str(n) for n in range(1_000)]
        await reading.close()

    run(main())


def test_a_fault_comes_behind_what_was_said() -> None:
    async def main() -> None:
        reading = Ahead(Model(2, ValueError("broken")).generate())
        await reading.wait(None)
        assert len(reading.take()) == 2
        with pytest.raises(ValueError, match="broken"):
            reading.take()

    run(main())


def test_waiting_ends_in_time_and_when_somebody_else_wakes_it() -> None:
    async def main() -> None:
        model = Model(0, waits=asyncio.Event())
        reading = Ahead(model.generate())
        await reading.wait(0.01)
        assert reading.take() == []
        waiting = asyncio.ensure_future(reading.wait(None))
        await asyncio.sleep(0)
        reading.wake()
        await waiting
        await reading.close()
        assert (model.over, reading.over) == (1, True)

    run(main())


def test_what_stands_behind_the_end_is_read_on_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(waits: bool) -> None:
        gate = asyncio.Event()
        model = Model(1, waits=gate)
        reading = Ahead(model.generate())
        await reading.wait(None)
        resting = asyncio.ensure_future(reading.rest())
        if not waits:
            gate.set()
        await resting
        assert (model.over, reading.over) == (1, True)

    run(main(waits=False))
    monkeypatch.setattr(module, "_REST", 0.01)
    run(main(waits=True))
