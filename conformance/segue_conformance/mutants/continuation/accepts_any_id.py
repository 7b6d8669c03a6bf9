"""Accepts any parent: one that it does not hold is taken as none."""

from __future__ import annotations

from segue_adapters.wires.base import Refuse
from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Held
from segue_schemas import models

from ...registry import WIRES

_REFUSALS = ("continuation.unknown_parent_refused", "continuation.impossible_parent_refused")
KILLED_BY = dict.fromkeys(WIRES, _REFUSALS) | {"openai-http": (*_REFUSALS, "wire_openai_http.lost_parent_status")}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for unknown parents."""

    async def resolve_parent(self, caller: Caller, start: models.TurnStart) -> Held | None:
        """Return the parent, or none where there is none."""
        try:
            return await super().resolve_parent(caller, start)
        except Refuse:
            return None
