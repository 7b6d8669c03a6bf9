"""Sends every refusal twice over the WebSocket."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-ws": ("responses_requests.one_answer_to_a_refused_create",)}
ALSO = {
    "responses_lanes.how_many_lanes": "a lane too many is refused twice, and the second stands before an answer",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for refusals."""

    wires = ("openai-ws",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Say it again."""
        return [event, event] if event["type"] == "error" else event
