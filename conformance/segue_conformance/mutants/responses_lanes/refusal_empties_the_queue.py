"""Forgets what waits in a lane when a turn of it is refused."""

from __future__ import annotations

from segue_adapters.wires.base import Refuse
from segue_gateway.acceptance import Caller
from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_gateway.turns import Turn
from segue_schemas import models

KILLED_BY = {"openai-ws": ("responses_lanes.refusal_leaves_queue",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what a refusal leaves."""

    async def accept(self, caller: Caller, start: models.TurnStart) -> tuple[Source, Turn | None]:
        """Accept a turn; where it is refused nothing of its lane comes any more."""
        try:
            return await super().accept(caller, start)
        except Refuse:
            if isinstance(caller, Connection) and caller.wire == "openai-ws":
                places = caller.lanes._lanes[start.lane if isinstance(start.lane, str) else None]
                while len(places) > 1:
                    places.pop()
            raise
