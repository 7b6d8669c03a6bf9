"""Refuses what is too large and does not say what the limit is."""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import NATIVE, Told, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("recommended.limit_is_told",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for details."""

    wires = NATIVE

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave it out of an error."""
        if event["type"] != "error":
            return event
        return {**event, "error": {name: value for name, value in event["error"].items() if name != "detail"}}

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Leave it out of a problem body."""
        if answer.status < 400:
            return answer
        told = {name: value for name, value in json.loads(answer.body).items() if name != "detail"}
        return Answer(answer.status, answer.headers, json.dumps(told).encode())
