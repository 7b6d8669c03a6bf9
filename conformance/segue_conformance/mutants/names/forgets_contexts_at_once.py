"""Holds a context only while a turn runs under it."""

from __future__ import annotations

from segue_gateway.contexts import Context
from segue_gateway.endpoint import Endpoint
from segue_gateway.refusals import context_not_found

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("names.context_of_a_handle_is_held",))
ALSO = {
    "continuation.context_by_digest": "the turn that sent the context has ended",
    "continuation.context_as_patch": "the turn that sent the base has ended",
    "context.*": "no turn that runs sent the context",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for contexts of turns that have ended."""

    async def held_context(self, principal: str, digest: str, param: str) -> Context:
        """Return a context that is in force just now."""
        held = await super().held_context(principal, digest, param)
        if not any(turn.plan.context.digest == digest for turn in self.running.values()):
            raise context_not_found(digest, param)
        return held
