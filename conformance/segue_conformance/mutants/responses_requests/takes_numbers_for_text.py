"""Takes numbers and objects where text is wanted, in an input and as a parent."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_requests.wrong_types_refused",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for types of an input."""

    wires = OPENAI

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Make text of it, and no parent of what is none."""
        if isinstance(message.get("input"), int | dict):
            message["input"] = str(message["input"])
        if isinstance(message.get("previous_response_id"), int):
            del message["previous_response_id"]
        return message
