"""Runs both of two starts of one name that come at once."""

from __future__ import annotations

from typing import cast

import msgspec
from segue_adapters.wires.base import turn_name
from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_gateway.turns import Turn
from segue_schemas import models

from ..wire_fault import NATIVE
from .repeat_runs_again import _Renamed

KILLED_BY = dict.fromkeys(NATIVE, ("names.one_of_two_that_race",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for starts that race."""

    async def accept(self, caller: Caller, start: models.TurnStart) -> tuple[Source, Turn | None]:
        """Attach to what has ended; run what came while the first runs."""
        if (caller.principal, start.turn) not in self.running:
            return await super().accept(caller, start)
        source, turn = await super().accept(caller, msgspec.structs.replace(start, turn=turn_name()))
        return cast(Source, _Renamed(source, start.turn)), turn
