"""Looks at what it does not offer before the name of a turn."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_gateway.turns import Turn
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("refusals.first_fault_first",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the order of two refusals."""

    async def accept(self, caller: Caller, start: models.TurnStart) -> tuple[Source, Turn | None]:
        """Look at features first."""
        self.check_offered(caller, start)
        return await super().accept(caller, start)
