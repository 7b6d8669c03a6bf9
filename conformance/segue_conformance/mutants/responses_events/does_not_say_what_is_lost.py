"""Refuses a lost parent without a code and a parameter."""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_events.lost_parent_is_named",))
ALSO = {
    "responses_lanes.*": "it knows refusals by code and parameter",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for how it tells a lost parent."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave out what it is."""
        if event["type"] == "error":
            event["error"] |= {"code": None, "param": None}
        return event

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Leave out what it is."""
        if answer.status < 400 or not answer.body:
            return answer
        error = {**json.loads(answer.body)["error"], "code": None, "param": None}
        return Answer(answer.status, answer.headers, json.dumps({"error": error}).encode())
