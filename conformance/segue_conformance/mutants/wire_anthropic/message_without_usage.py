"""Leaves the usage out of a whole message."""

from __future__ import annotations

from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"anthropic": ("wire_anthropic.whole_answer",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("anthropic",)

    def whole(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Count nothing."""
        del told["usage"]
        return told
