"""Leaves the settings out of the terminal Response."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_events.open_responses_members",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in OpenAI's events."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave out what was not asked for."""
        if event["type"] == "response.completed":
            del event["response"]["truncation"], event["response"]["metadata"]
        return event
