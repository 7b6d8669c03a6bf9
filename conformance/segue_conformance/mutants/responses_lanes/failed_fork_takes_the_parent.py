"""Loses the parent of a create that fails in another lane."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-ws": ("responses_lanes.failed_fork_leaves_parent",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the parent of what fails."""

    wires = ("openai-ws",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.named: dict[str | None, str] = {}
        self.lost: set[str] = set()

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Take the parent down, or lose it."""
        parent, lane = message.get("previous_response_id"), message.get("stream_id")
        if isinstance(parent, str) and isinstance(lane, str):
            self.named[lane] = parent
        if parent in self.lost:
            message["previous_response_id"] = "resp_" + "0" * 32
        return message

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Lose what a refused create named."""
        lane = event.get("stream_id")
        if event["type"] == "error" and lane in self.named:
            self.lost.add(self.named[lane])
        return event
