"""Lets a steer enter while an item is being written."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import EngineEvent
from segue_gateway.turns import Turn

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("steers.enters_between_items",))
ALSO = {
    "steers.answered_before_the_end": "behind an open call it enters as well",
}


class _Turn(Turn):
    async def take(self, event: EngineEvent) -> None:
        await super().take(event)
        if self.steers.waiting:
            steer = self.steers.waiting.popleft()
            entered = self.output.insert(steer.name, steer.items)
            await self.write(entered)
            steer.settle(entered)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for boundaries."""

    turn_type = _Turn
