"""Takes no notice of a deadline."""

from __future__ import annotations

import msgspec
from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_gateway.turns import Turn
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("turns.deadline",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for deadlines."""

    async def accept(self, caller: Caller, start: models.TurnStart) -> tuple[Source, Turn | None]:
        """Accept a turn without its deadline."""
        return await super().accept(caller, msgspec.structs.replace(start, deadline_ms=msgspec.UNSET))
