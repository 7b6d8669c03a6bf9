"""Calls every error one of the server, whatever its status."""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_requests.error_members",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for whose fault an error is."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Take the blame."""
        if event["type"] == "error":
            event["error"]["type"] = "server_error"
        return event

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Take the blame."""
        if answer.status < 400 or not answer.body:
            return answer
        error = {**json.loads(answer.body)["error"], "type": "server_error"}
        return Answer(answer.status, answer.headers, json.dumps({"error": error}).encode())
