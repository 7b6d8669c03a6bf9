"""Knows in a lane only the responses of that lane."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-ws": ("responses_lanes.each_lane_remembers",)}
ALSO = {
    "lanes.lane_is_no_history": "it goes on from a response of another lane",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for what a lane knows."""

    wires = ("openai-ws",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lanes: dict[str, str | None] = {}

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Take down where a response was made."""
        if event["type"] == "response.completed":
            self.lanes[event["response"]["id"]] = event.get("stream_id")
        return event

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Lose a parent of another lane."""
        parent = message.get("previous_response_id")
        if isinstance(parent, str) and self.lanes.get(parent, message.get("stream_id")) != message.get("stream_id"):
            message["previous_response_id"] = "resp_" + "0" * 32
        return message
