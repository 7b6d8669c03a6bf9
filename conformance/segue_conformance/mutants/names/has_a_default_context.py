"""Runs a turn without any context under a default of its own."""

from __future__ import annotations

from segue_gateway.contexts import Context, read_context
from segue_gateway.endpoint import Endpoint

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("names.no_context_is_the_empty_one",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for turns without a context."""

    def effective_context(self, named: Context | None, inherited: Context) -> Context:
        """Return the context in force, or the default."""
        found = super().effective_context(named, inherited)
        return found if found.members else read_context({"temperature": 1}, b'{"temperature":1}')
