"""Refuses in the envelope of its web framework."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_events.error_envelope",))
ALSO = {
    "*": "it reads a refusal, and nothing of it can be read",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the envelope of an error."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Put the message into `detail`."""
        return {"type": "error", "detail": event["error"]["message"]} if event["type"] == "error" else event

    def problem(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Put the message into `detail`."""
        return {"detail": told["error"]["message"]}
