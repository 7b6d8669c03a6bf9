"""Lists in the terminal event an item that it never brought."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_events.items_are_brought_whole",))
ALSO = {
    "stored_responses.read_is_what_was_answered": "what is stored has the items once",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in OpenAI's events."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """List each item twice."""
        if event["type"] == "response.completed":
            event["response"]["output"] += event["response"]["output"]
        return event
