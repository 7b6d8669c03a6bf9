"""Gives the answer the role of the user."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"anthropic": ("items.whole_items_are_valid",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("anthropic",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Speak in another role."""
        if event["type"] == "message_start":
            event["message"]["role"] = "user"
        return event
