"""Gives all calls of an answer one id."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"chat": ("items.call_ids_differ",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Name them all the same."""
        for choice in event.get("choices", ()):
            for fragment in choice["delta"].get("tool_calls", ()):
                if "id" in fragment:
                    fragment["id"] = "call_1"
        return event
