"""Refuses input as a text."""

from __future__ import annotations

from typing import Any

from segue_gateway.refusals import invalid_request

from ..wire_fault import OPENAI, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_events.easy_input",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for easy input."""

    wires = OPENAI

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Refuse a text."""
        if isinstance(message.get("input"), str):
            raise invalid_request("'input' is a list of items.", "input")
        return message
