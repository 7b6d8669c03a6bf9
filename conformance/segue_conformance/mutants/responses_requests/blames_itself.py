"""Calls every error one of the server, whatever its status."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_requests.error_members",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for whose fault an error is."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Take the blame."""
        if event["type"] == "error":
            event["error"]["type"] = "server_error"
        return event

    def problem(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Take the blame."""
        return {"error": {**told["error"], "type": "server_error"}}
