"""Refuses a compaction that it issued itself."""

from __future__ import annotations

from collections.abc import Sequence

from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_gateway.items import Item
from segue_gateway.refusals import unreadable

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("sealed.own_compaction_goes_in_again",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for compactions."""

    def check_readable(self, inputs: Sequence[Item], parent: History) -> None:
        """Refuse every compaction."""
        super().check_readable(inputs, parent)
        for place, item in enumerate(inputs):
            if item.kind == "compaction":
                raise unreadable(item.kind, f"input/{place}")
