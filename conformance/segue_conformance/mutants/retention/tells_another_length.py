"""Tells another length of a continuation when it is asked than when it issued it."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("retention.get_says_what_was_issued",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what it tells of a continuation."""

    async def get(self, caller: Caller, message: models.ContinuationGet) -> models.ContinuationInfo:
        """Tell how many turns it has, not how many items."""
        told = await super().get(caller, message)
        held = await self.held(caller, message.id)
        told.continuation.length = sum(1 for _ in held.handle.history.nodes())
        return told
