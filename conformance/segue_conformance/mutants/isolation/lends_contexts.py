"""Runs a turn under a context that only somebody else sent."""

from __future__ import annotations

from segue_gateway.contexts import Context
from segue_gateway.endpoint import Endpoint

from .. import KEYS
from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("isolation.foreign_context",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for whose a context is."""

    async def held_context(self, principal: str, digest: str, param: str) -> Context:
        """Return the context, whoever sent it."""
        for owner in KEYS:
            held = await self.store.context(owner, digest)
            if held is not None:
                return held
        return await super().held_context(principal, digest, param)
