"""Takes a number where a text has to stand."""

from __future__ import annotations

from typing import Any

from ...registry import WIRES
from ..wire_fault import WireFault

KILLED_BY = dict.fromkeys(WIRES, ("turns.wrong_type_refused",))
ALSO = {
    "responses_requests.wrong_types_refused": "the same on OpenAI's wires",
    "refusals.first_fault_first": "one of its faults is a number for a text",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for contents that are numbers."""

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Make texts of numbers."""
        for item in message.get("input") or ():
            if isinstance(item, dict) and isinstance(item.get("content"), int):
                item["content"] = str(item["content"])
        return message
