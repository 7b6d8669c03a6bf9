"""Cuts the arguments of a call before their last brace."""

from __future__ import annotations

from collections.abc import AsyncIterator

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Delta, Engine, EngineEvent, Request
from segue_gateway.engines.scripted import ScriptedEngine

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("items.arguments_are_text",))


class _Engine(ScriptedEngine):
    async def generate(self, request: Request) -> AsyncIterator[EngineEvent]:
        async for event in super().generate(request):
            last = isinstance(event, Delta) and event.at == "/arguments" and (event.append or "").endswith("}")
            if not last:
                yield event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the end of arguments."""

    def make_engine(self) -> Engine:
        """Return an engine that leaves out the brace."""
        return _Engine(slow_seconds=self.settings.slow_ms / 1000)
