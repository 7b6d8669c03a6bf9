"""Takes the last of two members that bear one name, as most parsers do."""

from __future__ import annotations

from typing import Any

from ..wire_fault import NATIVE, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("messages.duplicate_names",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for names that stand twice."""

    wires = NATIVE

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Go on with what a parser made of it."""
        return message
