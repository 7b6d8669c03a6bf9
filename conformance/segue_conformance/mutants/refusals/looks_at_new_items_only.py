"""Refuses an unreadable compaction in the input, and leaves out one that stands in the history."""

from __future__ import annotations

from collections.abc import Sequence

from segue_gateway.endpoint import Endpoint
from segue_gateway.history import EMPTY, History
from segue_gateway.items import Item

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("refusals.unreadable_compaction_in_the_history",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for unreadable items of histories."""

    def check_readable(self, inputs: Sequence[Item], parent: History) -> None:
        """Look at the input alone."""
        super().check_readable(inputs, EMPTY)
