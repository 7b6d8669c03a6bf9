"""Gives every call of a tool the same id."""

from __future__ import annotations

from collections.abc import AsyncIterator

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Engine, EngineEvent, ItemBegun, Request
from segue_gateway.engines.scripted import ScriptedEngine

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("items.call_ids_differ",))


class _Engine(ScriptedEngine):
    async def generate(self, request: Request) -> AsyncIterator[EngineEvent]:
        async for event in super().generate(request):
            if isinstance(event, ItemBegun) and "call_id" in event.item:
                event = ItemBegun(event.index, {**event.item, "call_id": "call_1"})
            yield event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the ids of calls."""

    def make_engine(self) -> Engine:
        """Return an engine that knows one id."""
        return _Engine(slow_seconds=self.settings.slow_ms / 1000)
