"""Has no text in what it does not stream."""

from __future__ import annotations

from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"chat": ("turns.final_delivery",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def whole(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Leave it out."""
        told["choices"][0]["message"]["content"] = None
        return told
