"""Runs a turn that has a parent and no context under no context at all."""

from __future__ import annotations

from segue_gateway.contexts import NO_CONTEXT, Context
from segue_gateway.endpoint import Endpoint

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("continuation.context_is_inherited",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for inheritance."""

    def effective_context(self, named: Context | None, inherited: Context) -> Context:
        """Return the named context, or an empty one."""
        return NO_CONTEXT if named is None else named
