"""Tells no parent in a response that has one."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_members.what_was_asked_is_told",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the parent that is told."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Tell none."""
        if "response" in event:
            event["response"]["previous_response_id"] = None
        return event
