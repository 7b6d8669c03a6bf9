"""Answers three creates on one connection, and no more."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-ws": ("wire_openai_ws.connection_stays",)}
ALSO = {
    "*@openai-ws": "a check that needs a fourth create on a connection does not get it",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for how long a connection is good."""

    wires = ("openai-ws",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Count, and end by an error."""
        state["ended"] = state.get("ended", 0) + (event["type"] == "response.completed")
        if state["ended"] < 4:
            return event
        message = "Responses websocket connection limit reached. Create a new websocket connection to continue."
        error = {"type": "invalid_request_error", "code": "websocket_connection_limit_reached", "message": message}
        return {"type": "error", "status": 400, "error": error}
