"""Runs a request that brings no instructions under those of the request before it."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_context.instructions_are_each_requests_own",))
ALSO = {
    "retention.kept_handle_on_another_connection": "its turns have no instructions of their own",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for instructions."""

    wires = OPENAI
    last = "Be brief."

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Bring the last ones again."""
        if "instructions" in message:
            self.last = message["instructions"]
        elif message.get("previous_response_id"):
            message["instructions"] = self.last
        return message
