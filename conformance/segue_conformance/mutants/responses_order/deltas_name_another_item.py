"""Names another item in deltas than the one that they belong to."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_order.items_keep_their_id",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the item that deltas name."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Name another."""
        if event["type"].endswith(".delta"):
            event["item_id"] = "item_of_nobody"
        return event
