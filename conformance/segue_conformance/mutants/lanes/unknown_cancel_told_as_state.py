"""Tells the cancel of a turn that never was as a missing continuation."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_gateway.refusals import continuation_not_found
from segue_schemas import models

KILLED_BY = {"segue-ws": ("lanes.cancel_of_nothing",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for cancelling nothing."""

    async def cancel(self, caller: Caller, message: models.TurnCancel) -> Source:
        """Cancel a turn, or say something else of it."""
        if await self.find(caller.principal, message.turn) is None:
            raise continuation_not_found(message.turn, "turn")
        return await super().cancel(caller, message)
