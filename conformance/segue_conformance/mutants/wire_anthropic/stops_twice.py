"""Ends a stream twice."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"anthropic": ("wire_anthropic.begin_and_end",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("anthropic",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """End, and end again."""
        return [event, event] if event["type"] == "message_stop" else event
