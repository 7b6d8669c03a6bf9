"""Loses a handle when somebody else tries it."""

from __future__ import annotations

from segue_adapters.wires.base import Refuse
from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Held
from segue_schemas import models

from ...registry import WIRES
from .. import KEYS

KILLED_BY = dict.fromkeys(WIRES, ("isolation.owner_is_unaffected",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for handles that strangers tried."""

    async def resolve_parent(self, caller: Caller, start: models.TurnStart) -> Held | None:
        """Refuse a foreign parent, and drop it."""
        try:
            return await super().resolve_parent(caller, start)
        except Refuse:
            for principal in KEYS:
                await self.store.delete(principal, str(start.parent), caller.scope)
            raise
