"""Sends an event of a response behind its terminal one."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-ws": ("wire_openai_ws.one_after_the_other",)}
ALSO = {
    "*@openai-ws": "a client takes the late event for one of the next response",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for silence behind the end."""

    wires = ("openai-ws",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Go on for an event."""
        if event["type"] != "response.completed":
            return event
        late = {**event, "type": "response.in_progress", "sequence_number": event["sequence_number"] + 1}
        return [event, late]
