"""Says of a delta in which item it belongs, and not in which part."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_events.delta_members",))
ALSO = {
    "responses_events.copies_equal_deltas": "a copy is compared with the deltas of its part",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in OpenAI's events."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave the part out."""
        if event["type"] == "response.output_text.delta":
            del event["content_index"]
        return event
