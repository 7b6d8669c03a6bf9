from __future__ import annotations

import asyncio
from typing import Any

import pytest
from gateway_lab import run
from segue_adapters.wires.base import Refuse
from segue_gateway.lanes import Lanes


def lanes(**numbers: int) -> Lanes:
    return Lanes(**{"named": 2, "queue": 2, "in_flight": 8, **numbers}, spawn=asyncio.ensure_future)


class Work:
    """Jobs that begin in an order and end when the test says so."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}

    def job(self, name: str) -> Any:
        self.gates[name] = asyncio.Event()

        async def run_it() -> None:
            self.log.append(name)
            await self.gates[name].wait()
            self.log.append(f"{name} ends")

        return run_it

    async def end(self, name: str) -> None:
        self.gates[name].set()
        await settle()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_first_in_first_out_inside_a_lane_and_side_by_side_across() -> None:
    async def main() -> None:
        made, work = lanes(), Work()
        for lane, name in ((None, "d1"), (None, "d2"), ("a", "a1"), ("b", "b1"), ("a", "a2")):
            made.reserve(lane).fill(work.job(name))
        await settle()
        assert work.log == ["d1", "a1", "b1"]
        await work.end("a1")
        assert work.log[3:] == ["a1 ends", "a2"]
        await work.end("d1")
        assert work.log[5:] == ["d1 ends", "d2"]

    run(main())


def test_places_keep_the_order_of_receipt_whatever_is_filled_first() -> None:
    async def main() -> None:
        made, work = lanes(), Work()
        first, second = made.reserve(None), made.reserve(None)
        second.fill(work.job("second"))
        await settle()
        assert work.log == []
        first.fill(work.job("first"))
        await settle()
        await work.end("first")
        assert work.log == ["first", "first ends", "second"]

    run(main())


def test_a_lane_takes_so_many_that_wait_and_no_more() -> None:
    async def main() -> None:
        made, work = lanes(queue=2), Work()
        for name in ("runs", "waits 1", "waits 2"):
            made.reserve("a").fill(work.job(name))
        with pytest.raises(Refuse) as caught:
            made.reserve("a")
        error = caught.value.error
        assert (error.code, error.advice, error.param) == ("lane_full", "wait", "/lane")
        assert isinstance(error.retry_after_ms, int)
        await settle()
        await work.end("runs")
        made.reserve("a")

    run(main())


def test_a_connection_names_so_many_lanes_in_its_life() -> None:
    async def main() -> None:
        made, work = lanes(named=2), Work()
        for lane in (None, "a", "b"):
            made.reserve(lane).fill(work.job(str(lane)))
        await settle()
        for name in ("None", "a", "b"):
            await work.end(name)
        with pytest.raises(Refuse) as caught:
            made.reserve("c")
        assert (caught.value.error.code, caught.value.error.advice) == ("too_many_lanes", "fix")
        made.check("a")

    run(main())


def test_what_is_in_flight_is_bounded_across_lanes() -> None:
    async def main() -> None:
        made, work = lanes(in_flight=1), Work()
        made.reserve("a").fill(work.job("a"))
        made.reserve("b").fill(work.job("b"))
        await settle()
        assert work.log == ["a"]
        await work.end("a")
        assert work.log == ["a", "a ends", "b"]

    run(main())


def test_a_job_that_fails_does_not_stop_its_lane(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        made, work = lanes(), Work()

        async def fails() -> None:
            raise RuntimeError("a fault")

        made.reserve(None).fill(fails)
        made.reserve(None).fill(work.job("next"))
        await settle()
        assert work.log == ["next"]

    run(main())


def test_what_waits_can_be_dropped_and_what_runs_is_not_touched() -> None:
    async def main() -> None:
        made, work = lanes(), Work()
        made.reserve(None).fill(work.job("runs"))
        made.reserve(None).fill(work.job("waits"))
        await settle()
        made.drop()
        await work.end("runs")
        assert work.log == ["runs", "runs ends"]

    run(main())
