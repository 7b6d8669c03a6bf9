"""Brings each whole item twice."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_order.items_come_once",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for whole items."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Say it again, and count on."""
        if not event["type"].startswith("response."):
            return event
        event["sequence_number"] += state.get("more", 0)
        if event["type"] != "response.output_item.done":
            return event
        state["more"] = state.get("more", 0) + 1
        again = {**event, "sequence_number": event["sequence_number"] + 1}
        return [event, again]
