"""Seals items and does not say who can open them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Engine, EngineEvent, ItemBegun, Request
from segue_gateway.engines.scripted import ScriptedEngine

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("sealed.sealed_items_name_their_issuer",))


class _Engine(ScriptedEngine):
    def reads(self, kind: str, issuer: str | None = None, seal: str | None = None) -> bool:
        return issuer is None or super().reads(kind, issuer, seal)

    async def generate(self, request: Request) -> AsyncIterator[EngineEvent]:
        async for event in super().generate(request):
            if isinstance(event, ItemBegun):
                event = ItemBegun(event.index, {n: value for n, value in event.item.items() if n != "issuer"})
            yield event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for issuers."""

    def make_engine(self) -> Engine:
        """Return the engine with the fault."""
        return _Engine(offered=(self.settings.model,), slow_seconds=self.settings.slow_ms / 1000)
