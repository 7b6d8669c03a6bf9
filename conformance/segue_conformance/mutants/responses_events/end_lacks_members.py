"""Leaves members out of the terminal Response that common clients ask for."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_events.terminal_response",))
ALSO = {
    "responses_events.open_responses_members": "they are members that Open Responses asks for",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in OpenAI's events."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave out the tools."""
        if event["type"] == "response.completed":
            del event["response"]["tools"], event["response"]["tool_choice"]
        return event
