"""Calls a chunk a whole completion."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"chat": ("wire_chat.chunks",)}
ALSO = {
    "wire_chat.*": "what is no chunk tells nothing",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Name another object."""
        return {**event, "object": "chat.completion"} if "choices" in event else event
