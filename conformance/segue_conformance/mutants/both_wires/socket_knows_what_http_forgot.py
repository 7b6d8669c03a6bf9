"""Takes over a WebSocket a response that HTTP was not to store."""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import OPENAI, WireFault

KILLED_BY = {"openai-ws": ("both_wires.unstored_of_http_over_socket",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for what a WebSocket takes."""

    wires = OPENAI

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unstored: set[str] = set()

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Take down what is not stored."""
        told = json.loads(answer.body) if answer.body[:1] == b"{" else {}
        if told.get("store") is False:
            self.unstored.add(told["id"])
        return answer

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Run without it."""
        if wire == "openai-ws" and message.get("previous_response_id") in self.unstored:
            del message["previous_response_id"]
        return message
