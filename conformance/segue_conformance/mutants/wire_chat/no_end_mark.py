"""Ends a stream without its mark."""

from __future__ import annotations

from ..wire_fault import WireFault

KILLED_BY = {"chat": ("wire_chat.done",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def mark(self, wire: str, data: str) -> str | None:
        """End without a word."""
        return None
