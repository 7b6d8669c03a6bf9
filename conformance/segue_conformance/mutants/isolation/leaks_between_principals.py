"""Hands one principal's state to another: a parent is looked up by its id alone."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Held
from segue_schemas import models

from ...registry import WIRES
from .. import KEYS

KILLED_BY = dict.fromkeys(WIRES, ("isolation.foreign_parent",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for whose the state is."""

    async def resolve_parent(self, caller: Caller, start: models.TurnStart) -> Held | None:
        """Return the parent, whoever made it."""
        if isinstance(start.parent, str):
            for principal in KEYS:
                held = await self.store.resolve(principal, start.parent, caller.scope)
                if held is not None:
                    return held
        return await super().resolve_parent(caller, start)
