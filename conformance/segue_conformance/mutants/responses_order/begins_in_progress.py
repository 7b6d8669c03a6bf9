"""Begins a response without response.created."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_order.begins_with_created",))
ALSO = {
    "warm_up.is_told_as_a_response": "a warm-up begins without response.created as well",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the first event."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave it out."""
        return None if event["type"] == "response.created" else event
