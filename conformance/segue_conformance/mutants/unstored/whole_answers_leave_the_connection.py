"""Knows nothing of what a connection holds where the answer is asked for whole."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Held
from segue_schemas import models

KILLED_BY = {"segue-ws": ("unstored.connections_history_in_a_whole_answer",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for parents of whole answers that are not stored."""

    async def resolve_parent(self, caller: Caller, start: models.TurnStart) -> Held | None:
        """Return the parent of what is streamed, or stored."""
        held = await super().resolve_parent(caller, start)
        whole = isinstance(start.delivery, models.Delivery) and start.delivery.mode == "final"
        return None if whole and start.retention == "connection" else held
