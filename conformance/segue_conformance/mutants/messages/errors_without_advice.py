"""Gives every refusal the same advice."""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import NATIVE, Told, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("messages.error_members",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for advice."""

    wires = NATIVE

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Advise to mend the request."""
        if event["type"] == "error":
            event["error"]["advice"] = "fix"
        return event

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Advise to mend the request."""
        if answer.status < 400 or not answer.body:
            return answer
        return Answer(answer.status, answer.headers, json.dumps({**json.loads(answer.body), "advice": "fix"}).encode())
