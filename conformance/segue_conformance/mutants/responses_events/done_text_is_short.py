"""Leaves the last word out of the copy of a text."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_events.copies_equal_deltas",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in OpenAI's events."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Cut the copy."""
        if event["type"] == "response.output_text.done":
            event["text"] = event["text"].rpartition(" ")[0]
        return event
