"""Knows over a WebSocket no response that was gone on from over HTTP."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, WireFault

KILLED_BY = {"openai-ws": ("both_wires.socket_to_socket",)}
ALSO = {
    "both_wires.http_to_socket": "HTTP goes on from it first",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for what a WebSocket knows."""

    wires = OPENAI

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seen: set[str] = set()

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Lose a parent that HTTP knows."""
        parent = message.get("previous_response_id")
        if isinstance(parent, str) and wire == "openai-http":
            self.seen.add(parent)
        elif parent in self.seen:
            message["previous_response_id"] = "resp_" + "0" * 32
        return message
