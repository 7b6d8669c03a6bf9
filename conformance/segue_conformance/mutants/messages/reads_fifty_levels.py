"""Reads JSON that is nested fifty deep, and nothing below."""

from __future__ import annotations

from ..wire_fault import NATIVE, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("messages.hundred_deep",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for depth."""

    wires = NATIVE

    def heard_text(self, wire: str, text: str) -> str:
        """Read no text that is nested deeper."""
        return text[:-1] if "[" * 50 in text else text
