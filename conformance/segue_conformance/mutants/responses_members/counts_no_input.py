"""Counts no tokens of input."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_members.usage_is_plausible",))
ALSO = {
    "stored_responses.read_is_what_was_answered": "what is read has the counts of what was stored",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the tokens of input."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Count none."""
        usage = (event.get("response") or {}).get("usage")
        if usage:
            usage |= {"input_tokens": 0, "total_tokens": usage["output_tokens"]}
        return event
