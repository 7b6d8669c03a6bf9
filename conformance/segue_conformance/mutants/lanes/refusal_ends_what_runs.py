"""Ends whatever runs for a caller when one of his turns is refused as invalid."""

from __future__ import annotations

from segue_adapters.wires.base import Refuse
from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_gateway.states import Cause
from segue_gateway.turns import Turn
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "openai-ws"), ("lanes.failure_stays_in_its_lane",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what a refusal touches."""

    async def accept(self, caller: Caller, start: models.TurnStart) -> tuple[Source, Turn | None]:
        """Accept a turn; where it is invalid the others fail."""
        try:
            return await super().accept(caller, start)
        except Refuse as refused:
            if refused.error.code == "invalid_request":
                for turn in list(self.running.values()):
                    turn.interrupt(Cause.INTERRUPTION)
            raise
