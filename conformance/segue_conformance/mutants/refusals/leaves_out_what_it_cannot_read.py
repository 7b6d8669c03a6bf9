"""Leaves out in silence what its model can't be given."""

from __future__ import annotations

from collections.abc import Sequence

from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_gateway.items import Item

KILLED_BY = dict.fromkeys(
    ("segue-ws", "segue-http"), ("refusals.unreadable_item_is_named", "refusals.unreadable_compaction_in_the_history")
)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for unreadable items."""

    def check_readable(self, inputs: Sequence[Item], parent: History) -> None:
        """Refuse nothing."""
