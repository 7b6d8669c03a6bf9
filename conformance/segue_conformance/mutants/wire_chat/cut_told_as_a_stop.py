"""Says of an answer that was cut that it ended by itself."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"chat": ("turns.cut_is_incomplete",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Call it a stop."""
        for choice in event.get("choices", ()):
            if choice.get("finish_reason") == "length":
                choice["finish_reason"] = "stop"
        return event
