"""Has no place for the next one, where three connections in a row ended before they had asked for anything."""

from __future__ import annotations

from typing import Any

from segue_gateway import refusals
from segue_gateway.acceptance import Caller
from segue_gateway.connection import Connection
from segue_gateway.readings import Source
from segue_gateway.turns import Turn
from segue_schemas import models

from ..wire_fault import WireFault

KILLED_BY = {"openai-ws": ("lost_connections.vanished_in_a_message",)}


class _Connection(Connection):
    async def lost(self) -> None:
        if self.wire == "openai-ws" and isinstance(self.endpoint, MutantEndpoint):
            self.endpoint.gone = 0 if self._placed else self.endpoint.gone + 1
        await super().lost()


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the places of those that are gone."""

    wires = ("openai-ws",)
    connection_type = _Connection

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gone = 0

    async def accept(self, caller: Caller, start: models.TurnStart) -> tuple[Source, Turn | None]:
        """Accept a turn where there is a place."""
        if self.gone >= 3 and caller.wire == "openai-ws":
            self.gone = 0
            raise refusals.invalid_request("No place is free.")
        return await super().accept(caller, start)
