"""Sends a sign of life behind the terminal event of a turn."""

from __future__ import annotations

from typing import Any

from ..wire_fault import NATIVE, Told, WireFault

KILLED_BY = {"segue-ws": ("turns.silent_after_end",)} | {"segue-http": ("wire_segue_http.stream_framing",)}
ALSO = {
    "turns.events_name_their_turn": "the late event belongs to no turn that runs",
    "lanes.lane_over_http": "the last event is not the terminal one",
    "wire_segue_http.path_and_body": "the last event is not the terminal one",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for silence behind the end."""

    wires = NATIVE

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Go on for an event."""
        if event["type"] != "turn.completed":
            return event
        return [event, {"type": "turn.progress", "turn": event["turn"], "phase": "upstream"}]
