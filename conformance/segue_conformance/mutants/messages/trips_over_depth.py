"""Fails over JSON that is nested too deep, and says that it is its own fault."""

from __future__ import annotations

from ..wire_fault import NATIVE, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("messages.deep_nesting",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for depth."""

    wires = NATIVE

    def heard_text(self, wire: str, text: str) -> str:
        """Run out of stack."""
        if "[" * 1_000 in text:
            raise RecursionError
        return text
