"""Holds the empty context for nobody who did not send it."""

from __future__ import annotations

from segue_gateway.contexts import Context
from segue_gateway.endpoint import Endpoint
from segue_gateway.refusals import context_not_found

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("context.empty_context_is_held",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the empty context."""

    async def held_context(self, principal: str, digest: str, param: str) -> Context:
        """Look into the store for every digest."""
        held = await self.store.context(principal, digest)
        if held is None:
            raise context_not_found(digest, param)
        return held
