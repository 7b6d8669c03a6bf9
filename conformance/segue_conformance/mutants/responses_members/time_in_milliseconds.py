"""Tells the time of a response in milliseconds."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_members.member_types",))
ALSO = {
    "responses_members.other_member_types": "it compares the two times of a response",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the time of a response."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Count milliseconds."""
        if "response" in event:
            event["response"]["created_at"] *= 1000
        return event
