"""Sends errors over the WebSocket without a status."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-ws": ("responses_requests.error_has_a_status",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the status of an error."""

    wires = ("openai-ws",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave it out."""
        if event["type"] == "error":
            del event["status"]
        return event
