"""Leaves the type out of the envelope of an error."""

from __future__ import annotations

from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"anthropic": ("wire_anthropic.error_envelope",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("anthropic",)

    def problem(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Leave it out."""
        told.pop("type")
        return told
