"""Has no content in what it does not stream."""

from __future__ import annotations

from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"anthropic": ("turns.final_delivery",)}
ALSO = {
    "wire_anthropic.calls_are_whole": "there is no call either",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("anthropic",)

    def whole(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Leave it out."""
        told["content"] = []
        return told
