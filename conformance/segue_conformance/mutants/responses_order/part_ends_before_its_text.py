"""Sends content_part.done before output_text.done."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_order.events_in_order",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the end of a part."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Change the two places."""
        if event["type"] == "response.output_text.done":
            state["held"] = event
            return None
        held = state.pop("held", None)
        if held is None:
            return event
        numbers = held["sequence_number"], event["sequence_number"]
        return [{**event, "sequence_number": numbers[0]}, {**held, "sequence_number": numbers[1]}]
