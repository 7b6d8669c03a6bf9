"""Gives the error as text, not as an object."""

from __future__ import annotations

from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"chat": ("wire_chat.error_envelope",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def problem(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Say it in a sentence."""
        told["error"] = told["error"]["message"]
        return told
