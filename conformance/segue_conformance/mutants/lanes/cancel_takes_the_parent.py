"""Deletes the parent of a turn that is cancelled."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_gateway.turns import Turn
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("lanes.cancel_leaves_parent",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what a cancel leaves."""

    async def cancel(self, caller: Caller, message: models.TurnCancel) -> Source:
        """Cancel the turn and drop its parent."""
        source = await super().cancel(caller, message)
        if isinstance(source, Turn) and source.plan.parent_id is not None:
            await self.store.delete(caller.principal, source.plan.parent_id, caller.scope)
        return source
