"""Leaves the index of the one choice out."""

from __future__ import annotations

from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"chat": ("wire_chat.whole_answer",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def whole(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Leave it out: there is one only."""
        del told["choices"][0]["index"]
        return told
