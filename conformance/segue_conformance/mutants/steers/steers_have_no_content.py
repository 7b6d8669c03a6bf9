"""Answers other input under a steer's name as the first one."""

from __future__ import annotations

from segue_adapters.wires.base import Refuse
from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.steers import Steer
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("steers.repeat_gets_its_answer",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the input of repeated steers."""

    async def steer(self, caller: Caller, message: models.TurnSteer) -> Steer:
        """Return what is known under the name, whatever came."""
        try:
            return await super().steer(caller, message)
        except Refuse as refused:
            source = await self.find(caller.principal, message.turn)
            known = self.known_steer(caller.principal, source, message.steer) if source is not None else None
            if refused.error.code != "turn_conflict" or known is None:
                raise
            return known
