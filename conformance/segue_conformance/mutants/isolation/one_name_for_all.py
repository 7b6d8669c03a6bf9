"""Takes a turn's name that somebody else used as a repeat of that turn."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_gateway.turns import Turn
from segue_schemas import models

from .. import KEYS
from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("isolation.one_name_two_principals",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for whose a name is."""

    async def accept(self, caller: Caller, start: models.TurnStart) -> tuple[Source, Turn | None]:
        """Attach to a turn of that name, whoever started it."""
        for principal in KEYS:
            found = await self.find(principal, start.turn)
            if found is not None and principal != caller.principal:
                return found, None
        return await super().accept(caller, start)
