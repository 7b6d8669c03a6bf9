"""Refuses in the envelope of its web framework."""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_events.error_envelope",))
ALSO = {
    "*": "it reads a refusal, and nothing of it can be read",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the envelope of an error."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Put the message into `detail`."""
        return {"type": "error", "detail": event["error"]["message"]} if event["type"] == "error" else event

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Put the message into `detail`."""
        if answer.status < 400 or not answer.body:
            return answer
        told = {"detail": json.loads(answer.body)["error"]["message"]}
        return Answer(answer.status, answer.headers, json.dumps(told).encode())
