"""Says of an answer with a call that it was cut."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"anthropic": ("turns.tool_call_completes",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("anthropic",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Call it a cut."""
        if event["type"] == "message_delta" and event["delta"]["stop_reason"] == "tool_use":
            event["delta"]["stop_reason"] = "max_tokens"
        return event
