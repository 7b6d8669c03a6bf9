"""Measures the time of a turn from when its lane's turn had come."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn

KILLED_BY = dict.fromkeys(("segue-ws",), ("observability.timing_counts_the_wait",))


class _Turn(Turn):
    async def run(self) -> None:
        self._received = self._clock()
        await super().run()


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the time in the queue."""

    turn_type = _Turn
