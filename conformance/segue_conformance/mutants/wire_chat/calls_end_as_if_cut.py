"""Says of an answer with a call that it was cut."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"chat": ("turns.tool_call_completes",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Call it a cut."""
        for choice in event.get("choices", ()):
            if choice.get("finish_reason") == "tool_calls":
                choice["finish_reason"] = "length"
        return event
