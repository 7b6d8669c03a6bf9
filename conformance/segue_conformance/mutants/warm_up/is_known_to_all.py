"""Knows in every turn of the endpoint what the last warm-up said."""

from __future__ import annotations

from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"openai-ws": ("warm_up.is_known_to_whom_it_concerns",)}
ALSO = {
    "warm_up.is_no_memory": "a turn without a parent knows it as well",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for who knows of a warm-up."""

    wires = ("openai-ws",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.said: list[Any] = []

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Put it before the input of a turn without a parent."""
        given = message.get("input")
        if not isinstance(given, list):
            return message
        if message.get("generate") is False:
            self.said = given
        elif message.get("previous_response_id") is None:
            message["input"] = [*self.said, *given]
        return message
