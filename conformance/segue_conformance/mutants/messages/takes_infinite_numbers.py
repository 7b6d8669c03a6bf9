"""Takes a number beyond a double for some other number."""

from __future__ import annotations

from ..wire_fault import NATIVE, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("messages.number_beyond_a_double",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for large numbers."""

    wires = NATIVE

    def heard_text(self, wire: str, text: str) -> str:
        """Read them as one that is not so large."""
        return text.replace("1e400", "1e300").replace("9" * 400, "9" * 300)
