"""Ignores `tool_choice` and `parallel_tool_calls`."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_requests.choices_are_kept_to",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for what may be called."""

    wires = OPENAI

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Read neither."""
        return {name: value for name, value in message.items() if name not in ("tool_choice", "parallel_tool_calls")}
