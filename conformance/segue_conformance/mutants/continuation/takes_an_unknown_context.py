"""Takes the digest of a context that it never saw, and runs the turn under none."""

from __future__ import annotations

from segue_gateway.contexts import NO_CONTEXT, Context
from segue_gateway.endpoint import Endpoint

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("continuation.unknown_context_refused",))
ALSO = {
    "isolation.foreign_context": "a stranger's context is one that it does not hold",
    "refusals.first_fault_first": "one of its faults is an unknown context",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for contexts that it does not hold."""

    async def held_context(self, principal: str, digest: str, param: str) -> Context:
        """Return the context, or an empty one."""
        return await self.store.context(principal, digest) or NO_CONTEXT
