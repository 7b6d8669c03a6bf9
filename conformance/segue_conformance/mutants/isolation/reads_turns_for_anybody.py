"""Lets anybody read a turn whose name he knows."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source

from .. import KEYS
from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("isolation.foreign_turn",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for who may read a turn."""

    async def attach(self, principal: str, name: str) -> Source:
        """Return a turn of that name, whoever started it."""
        for owner in KEYS:
            found = await self.find(owner, name)
            if found is not None:
                return found
        return await super().attach(principal, name)
