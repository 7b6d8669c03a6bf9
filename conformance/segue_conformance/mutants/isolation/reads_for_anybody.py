"""Tells anybody what a continuation holds."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Held

from .. import KEYS
from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("isolation.foreign_read",))
ALSO = {
    "bundles.foreign_export": "an export is looked up in the same way",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for who may read."""

    async def held(self, caller: Caller, identifier: str) -> Held:
        """Return a continuation, whoever made it."""
        for principal in KEYS:
            held = await self.store.resolve(principal, identifier, caller.scope)
            if held is not None:
                return held
        return await super().held(caller, identifier)
