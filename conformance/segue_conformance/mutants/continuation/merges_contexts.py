"""Merges the context of a turn into its parent's instead of replacing that."""

from __future__ import annotations

import msgspec
from segue_gateway.contexts import Context, read_context
from segue_gateway.endpoint import Endpoint

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("continuation.context_is_replaced_whole",))
ALSO = {
    "responses_context.*": "instructions of an earlier request stay in force",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for contexts that replace others."""

    def effective_context(self, named: Context | None, inherited: Context) -> Context:
        """Return the inherited context with the named members over it."""
        if named is None:
            return inherited
        members = {**inherited.members, **named.members}
        return read_context(members, msgspec.json.encode(members))
