"""Gives the answer the role of the user."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"chat": ("items.whole_items_are_valid",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Speak in another role."""
        for choice in event.get("choices", ()):
            choice["delta"] = {**choice["delta"], "role": "user"}
        return event
