"""Sends the last delta of a text behind output_text.done."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_order.nothing_grows_behind_done",))
ALSO = {
    "responses_order.events_in_order": "it looks at the same order",
    "responses_events.copies_equal_deltas": "the copy lacks the last delta",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the place of one delta."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Hold a delta back until the next one has come, or the text is done."""
        held: dict[str, Any] | None = state.pop("held", None)
        if event["type"] == "response.output_text.delta":
            state["held"] = event
            return held
        if held is None:
            return event
        if event["type"] != "response.output_text.done":
            return [held, event]
        numbers = held["sequence_number"], event["sequence_number"]
        return [{**event, "sequence_number": numbers[0]}, {**held, "sequence_number": numbers[1]}]
