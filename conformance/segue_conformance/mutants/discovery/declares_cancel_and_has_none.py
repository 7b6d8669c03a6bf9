"""Declares that turns can be cancelled, and refuses every cancel as not offered."""

from __future__ import annotations

from segue_adapters.wires.base import refusal
from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("claims.features_are_kept",))
ALSO = {
    "lanes.cancel_of_a_finished_turn": "it is refused where it should change nothing",
    "lanes.cancel_of_nothing": "an unknown turn is refused as something else",
    "wire_segue_http.cancel_route": "the route answers with that refusal",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for cancels."""

    async def cancel(self, caller: Caller, message: models.TurnCancel) -> Source:
        """Refuse it."""
        raise refusal("not_offered", "fix", "Turns are not cancelled here.", turn=message.turn, refused="turn.cancel")
