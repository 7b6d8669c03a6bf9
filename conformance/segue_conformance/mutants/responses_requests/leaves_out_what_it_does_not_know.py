"""Leaves items of an unknown type out in silence."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_requests.unknown_item_is_not_left_out",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for unknown items."""

    wires = OPENAI

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Leave them out."""
        given = message.get("input")
        if isinstance(given, list):
            message["input"] = [i for i in given if not isinstance(i, dict) or i.get("type") != "note_of_the_user"]
        return message
