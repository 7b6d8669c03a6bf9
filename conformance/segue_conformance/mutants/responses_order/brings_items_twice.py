"""Brings an item that was cut twice."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_order.items_come_once",))
ALSO = {
    "history.words_before_a_cut": "the turn was cut",
    "turns.cut_is_incomplete": "the turn was cut",
    "responses_events.items_are_brought_whole": "the items that were brought are more than those that are listed",
    "responses_order.indexes_are_places": "both have one index",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for items that were cut."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Say it again, and count on."""
        if not event["type"].startswith("response."):
            return event
        event["sequence_number"] += state.get("more", 0)
        if event["type"] != "response.output_item.done" or event["item"].get("status") != "incomplete":
            return event
        state["more"] = state.get("more", 0) + 1
        again = {**event, "sequence_number": event["sequence_number"] + 1}
        return [event, again]
