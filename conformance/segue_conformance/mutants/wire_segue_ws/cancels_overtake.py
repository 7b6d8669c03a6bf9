"""Finds no turn to cancel that was accepted a moment ago."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_gateway.refusals import turn_not_found
from segue_schemas import models

KILLED_BY = {"segue-ws": ("wire_segue_ws.order_of_receipt",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for cancels that come with their start."""

    async def cancel(self, caller: Caller, message: models.TurnCancel) -> Source:
        """Find no turn that was accepted a moment ago."""
        running = self.running.get((caller.principal, message.turn))
        if running is not None and not running.events[1:]:
            raise turn_not_found(message.turn, resend=False)
        return await super().cancel(caller, message)
