"""Silently ignores the parent: every turn begins a conversation of its own."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Held
from segue_schemas import models

from ...registry import WIRES

KILLED_BY = dict.fromkeys(
    WIRES,
    (
        "continuation.users_words_one_hop",
        "continuation.users_words_four_hops",
        "continuation.models_words",
        "continuation.unknown_parent_refused",
    ),
)
ALSO = {
    "*": "whatever goes on from a parent, or sees one refused, goes on from nothing here",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the parent."""

    async def resolve_parent(self, caller: Caller, start: models.TurnStart) -> Held | None:
        """Take no notice of the parent."""
        return None
