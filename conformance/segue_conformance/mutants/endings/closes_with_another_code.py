"""Closes the connection behind a binary message with the code of a fault of its own."""

from __future__ import annotations

from segue_adapters.wires.base import refusal
from segue_gateway.endpoint import Endpoint

KILLED_BY = {"segue-ws": ("endings.closed_with_a_reason",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the code behind a binary message."""

    def took_frame(self, wire: str, frame: str | bytes) -> str | bytes:
        """Refuse a binary message, and end the connection as if it had failed."""
        if wire == "segue-ws" and isinstance(frame, bytes):
            raise refusal("malformed_message", "fix", "Send text frames.", close=4500)
        return frame
