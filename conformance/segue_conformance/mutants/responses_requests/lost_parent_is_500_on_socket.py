"""Gives the error of a lost parent the status 500 over the WebSocket."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-ws": ("responses_requests.error_status",)}
ALSO = {
    "responses_requests.wrong_settings_refused": "what is wrong there is told as the server's fault as well",
    "responses_lanes.names_of_lanes": "it looks at the status of a refusal",
    "responses_lanes.how_many_lanes": "it looks at the status of a refusal",
    "responses_requests.wrong_types_refused": "it looks at the status of a refusal",
    "turns.wrong_type_refused": "it looks at the status of a refusal",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the status of an error."""

    wires = ("openai-ws",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Say 500."""
        if event["type"] == "error":
            event["status"] = 500
        return event
