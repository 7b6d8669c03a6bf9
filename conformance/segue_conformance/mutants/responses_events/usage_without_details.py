"""Reports a usage without its details."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_events.usage_details",))
ALSO = {
    "stored_responses.read_is_what_was_answered": "what is stored has all of it",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in OpenAI's events."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave the details out."""
        usage = (event.get("response") or {}).get("usage")
        if usage:
            del usage["input_tokens_details"]
        return event
