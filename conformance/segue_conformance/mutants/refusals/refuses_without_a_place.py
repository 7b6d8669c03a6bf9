"""Refuses an item that its model can't read, and does not say which."""

from __future__ import annotations

from collections.abc import Sequence

from segue_adapters.wires.base import Refuse
from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_gateway.items import Item

KILLED_BY = dict.fromkeys(
    ("segue-ws", "segue-http"), ("refusals.unreadable_item_is_named", "refusals.unreadable_compaction_in_the_history")
)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for places."""

    def check_readable(self, inputs: Sequence[Item], parent: History) -> None:
        """Refuse the whole input."""
        try:
            super().check_readable(inputs, parent)
        except Refuse as refused:
            refused.error.param = "/input"
            raise
