"""Leaves the index of a call out: there is one call only, most of the time."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"chat": ("wire_chat.call_fragments",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave it out."""
        for choice in event.get("choices", ()):
            for fragment in choice["delta"].get("tool_calls", ()):
                fragment.pop("index")
        return event
