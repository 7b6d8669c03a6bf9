"""Calls a completion by the name of the older one."""

from __future__ import annotations

from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"chat": ("wire_chat.whole_answer",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def whole(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Name another object."""
        told["object"] = "text_completion"
        return told
