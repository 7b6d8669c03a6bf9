"""Gives no sign of life while the model is silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import EngineEvent, Request
from segue_gateway.engines.scripted import ScriptedEngine
from segue_gateway.readings import Reading
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("liveness.signs_of_life",))


class _Reading(Reading):
    async def __aiter__(self) -> AsyncIterator[models.ServerMessage]:
        async for message in super().__aiter__():
            if not isinstance(message, models.TurnProgress):
                yield message


class _SlowEngine(ScriptedEngine):
    """Thinks for a while before its first word, as models do."""

    async def generate(self, request: Request) -> AsyncIterator[EngineEvent]:
        if b"slowly" in request.items[-1]:
            await asyncio.sleep(1.6)
        async for event in super().generate(request):
            yield event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for progress."""

    reading_type = _Reading

    def __init__(self, **kwargs: object) -> None:
        super().__init__(_SlowEngine(slow_seconds=0.5), **kwargs)  # type: ignore[arg-type]
