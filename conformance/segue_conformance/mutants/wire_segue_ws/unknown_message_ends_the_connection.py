"""Closes the connection behind a message that it does not know."""

from __future__ import annotations

from typing import Any

from segue_adapters.wires.base import refusal

from ..wire_fault import WireFault

KILLED_BY = {"segue-ws": ("wire_segue_ws.open_behind_refusal",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for connections behind an unknown message."""

    wires = ("segue-ws",)

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Refuse an unknown message, and close."""
        if message.get("type") == "turn.teleport":
            raise refusal("unsupported_message", "fix", "Unknown message.", refused="turn.teleport", close=1008)
        return message
