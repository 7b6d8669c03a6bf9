"""Takes no notice of the parent where the answer is asked for whole."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Held
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("continuation.users_words_in_a_whole_answer",))
ALSO = {
    "unstored.connections_history_in_a_whole_answer": "the parent is taken no notice of there, too",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for parents of whole answers."""

    async def resolve_parent(self, caller: Caller, start: models.TurnStart) -> Held | None:
        """Return the parent of what is streamed."""
        held = await super().resolve_parent(caller, start)
        whole = isinstance(start.delivery, models.Delivery) and start.delivery.mode == "final"
        return None if whole else held
