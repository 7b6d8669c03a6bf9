"""Stops every answer behind its sixtieth word, and calls it whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Delta, EngineEvent, Request
from segue_gateway.engines.scripted import ScriptedEngine

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("turns.long_answer_is_whole",))
_MOST = 60


class _Engine(ScriptedEngine):
    async def generate(self, request: Request) -> AsyncIterator[EngineEvent]:
        told = 0
        async for event in super().generate(request):
            told += isinstance(event, Delta)
            if not isinstance(event, Delta) or told <= _MOST:
                yield event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for long answers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.engine = _Engine(slow_seconds=self.settings.slow_ms / 1000)
