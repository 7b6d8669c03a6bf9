"""Looks for a repeat's parent before it looks for the turn."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_gateway.turns import Turn
from segue_schemas import models

KILLED_BY = dict.fromkeys(
    ("segue-ws", "segue-http"),
    ("deletion.repeat_outlives_its_parent", "refusals.first_fault_first"),
)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the order in which it looks."""

    async def accept(self, caller: Caller, start: models.TurnStart) -> tuple[Source, Turn | None]:
        """Refuse a turn whose parent is not there, whatever else is known of it."""
        await self.resolve_parent(caller, start)
        return await super().accept(caller, start)
