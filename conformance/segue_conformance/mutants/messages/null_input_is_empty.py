"""Takes a turn whose input is missing or null as one with nothing to say."""

from __future__ import annotations

from typing import Any

from ..wire_fault import NATIVE, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("messages.missing_member",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for a missing input."""

    wires = NATIVE

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Put a list there."""
        if message.get("type") == "turn.start" and message.get("input") is None:
            message["input"] = []
        return message
