"""Refuses a steer of a finished turn as if there were no such turn."""

from __future__ import annotations

from segue_adapters.wires.base import Refuse
from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.refusals import turn_not_found
from segue_gateway.steers import Steer
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("steers.repeat_gets_its_answer",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for steers behind the end."""

    async def steer(self, caller: Caller, message: models.TurnSteer) -> Steer:
        """Know no turn that ended."""
        try:
            return await super().steer(caller, message)
        except Refuse as refused:
            if refused.error.code == "too_late":
                raise turn_not_found(message.turn, resend=False) from None
            raise
