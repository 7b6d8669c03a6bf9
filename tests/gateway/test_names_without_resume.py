"""An endpoint that offers no resume: a name in use is a conflict, whatever the start says (SEG-TURN-062)."""

from __future__ import annotations

import asyncio

import pytest
from gateway_lab import ALICE, BOB, StepEngine, answer, start, turn
from segue_adapters.wires.base import Refuse
from segue_gateway.endpoint import Endpoint


class NoResume(Endpoint):
    """The endpoint without one feature."""

    def features(self, wire: str | None = None) -> list[str]:
        """Return all but `resume`."""
        return [feature for feature in super().features(wire) if feature != "resume"]


def test_the_name_of_a_turn_that_runs_is_taken() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        endpoint = NoResume(StepEngine(gate, *answer("hello")))
        running = asyncio.ensure_future(turn(endpoint, start("t", "hello")))
        while not endpoint.running:
            await asyncio.sleep(0)
        with pytest.raises(Refuse) as caught:
            await turn(endpoint, start("t", "hello"))
        assert (caught.value.error.code, caught.value.error.effect) == ("turn_conflict", "none")
        other = asyncio.ensure_future(turn(endpoint, start("t", "hello"), BOB))  # a name belongs to its principal
        gate.set()
        assert (await running).text == (await other).text == "hello"
        assert endpoint.running_of(ALICE.principal) == 0

    asyncio.run(main())
