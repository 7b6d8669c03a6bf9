"""Mends JSON that ends too early, as lenient parsers do."""

from __future__ import annotations

from ..wire_fault import NATIVE, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("messages.not_json",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for half objects."""

    wires = NATIVE

    def heard_text(self, wire: str, text: str) -> str:
        """Close what is open."""
        bare = text.rstrip().rstrip(",")
        return bare + "}" if bare.count("{") == bare.count("}") + 1 else text
