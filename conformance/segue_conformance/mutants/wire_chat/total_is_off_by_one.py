"""Counts one token more in all than it read and wrote."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"chat": ("turns.usage_adds_up",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Count one more."""
        if event.get("usage"):
            event["usage"]["total_tokens"] += 1
        return event
