"""Knows nothing of a turn that has ended when it is asked to cancel it."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_gateway.refusals import turn_not_found
from segue_schemas import models

KILLED_BY = {"segue-ws": ("lanes.cancel_of_a_finished_turn",)} | {"segue-http": ("wire_segue_http.cancel_route",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for cancelling what has ended."""

    async def cancel(self, caller: Caller, message: models.TurnCancel) -> Source:
        """Cancel a turn that runs."""
        source = await super().cancel(caller, message)
        if source.finished:
            raise turn_not_found(message.turn, resend=False)
        return source
