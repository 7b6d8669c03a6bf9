"""Begins an item that it never ends, and never says that it dropped it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Ended, Engine, EngineEvent, ItemBegun, Request
from segue_gateway.engines.scripted import ScriptedEngine
from segue_gateway.output import Output
from segue_gateway.turns import Turn
from segue_schemas import models

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("items.started_items_are_completed",))
ALSO = {
    "lanes.cut_text_stays": "nothing of a cut is kept here",
    "responses_events.items_are_brought_whole": "the item is announced and never brought",
    "failures.cut_call_is_discarded": "what it drops is not named",
    "steers.enters_between_items": "the history behind a steer is counted as well",
}


class _Engine(ScriptedEngine):
    async def generate(self, request: Request) -> AsyncIterator[EngineEvent]:
        async for event in super().generate(request):
            if isinstance(event, Ended):
                yield ItemBegun(50, {"type": "message", "role": "assistant", "content": []})
            yield event


class _Output(Output):
    def cut(self) -> tuple[list[models.ItemDelta | models.ItemCompleted], list[int]]:
        return [], []


class _Turn(Turn):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.output = _Output(self.name)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for its last item."""

    turn_type = _Turn

    def make_engine(self) -> Engine:
        """Return an engine that begins more than it ends."""
        return _Engine(slow_seconds=self.settings.slow_ms / 1000)
