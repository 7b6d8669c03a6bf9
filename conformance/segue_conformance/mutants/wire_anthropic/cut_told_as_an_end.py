"""Says of an answer that was cut that it ended by itself."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"anthropic": ("turns.cut_is_incomplete",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("anthropic",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Call it an end."""
        if event["type"] == "message_delta" and event["delta"]["stop_reason"] == "max_tokens":
            event["delta"]["stop_reason"] = "end_turn"
        return event
