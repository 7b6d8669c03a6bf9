"""Takes the id of a response that the other wire made, and runs without its history."""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = {
    "openai-ws": (
        "both_wires.socket_to_http",
        "both_wires.http_to_socket",
    )
}
ALSO = {
    "both_wires.unstored_of_http_over_socket": "what crosses over is taken without its history, kept or not",
    "both_wires.unstored_of_socket_over_http": "what is named there runs without its history, instead of being refused",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for what crosses over."""

    wires = OPENAI

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.made: dict[str, str] = {}

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Take down where it was made."""
        if event["type"] == "response.completed":
            self.made[event["response"]["id"]] = wire
        return event

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Take down where it was made."""
        told = json.loads(answer.body) if answer.body[:1] == b"{" else {}
        if told.get("object") == "response":
            self.made[told["id"]] = wire
        return answer

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Name no parent."""
        if self.made.get(str(message.get("previous_response_id")), wire) != wire:
            del message["previous_response_id"]
        return message
