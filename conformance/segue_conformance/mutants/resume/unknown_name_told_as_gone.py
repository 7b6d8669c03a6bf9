"""Tells a name that never was as one whose events are gone."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_gateway.refusals import events_gone

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("resume.unknown_name",))
ALSO = {
    "discovery.bindings_answer": "it asks for a turn that never was",
    "isolation.foreign_turn": "a stranger's turn is told as one that never was",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for unknown names."""

    async def attach(self, principal: str, name: str) -> Source:
        """Return a turn, or say that it is gone."""
        source = await self.find(principal, name)
        if source is None:
            raise events_gone(name)
        return source
