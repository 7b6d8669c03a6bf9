"""Advises to wait and does not say how long."""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import NATIVE, Told, WireFault

KILLED_BY = {"segue-ws": ("recommended.wait_says_how_long",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for `retry_after_ms`."""

    wires = NATIVE

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave it out of an error."""
        if event["type"] != "error":
            return event
        return {**event, "error": {name: value for name, value in event["error"].items() if name != "retry_after_ms"}}

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Leave it out of a problem body."""
        if answer.status < 400:
            return answer
        told = {name: value for name, value in json.loads(answer.body).items() if name != "retry_after_ms"}
        return Answer(answer.status, answer.headers, json.dumps(told).encode())
