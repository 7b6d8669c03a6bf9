"""Loses the parent of a turn that it refuses."""

from __future__ import annotations

from segue_adapters.wires.base import Refuse
from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_gateway.turns import Turn
from segue_schemas import models

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("continuation.refused_turn_leaves_parent",))
ALSO = {
    "responses_lanes.failed_fork_leaves_parent": "the fork is refused",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what a refusal leaves."""

    async def accept(self, caller: Caller, start: models.TurnStart) -> tuple[Source, Turn | None]:
        """Accept a turn; where it is refused its parent is gone."""
        try:
            return await super().accept(caller, start)
        except Refuse:
            if isinstance(start.parent, str):
                await self.store.delete(caller.principal, start.parent, caller.scope)
            raise
