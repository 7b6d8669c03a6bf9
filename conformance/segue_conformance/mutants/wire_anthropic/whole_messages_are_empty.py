"""Has no content in what it does not stream."""

from __future__ import annotations

import json

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"anthropic": ("turns.final_delivery",)}
ALSO = {
    "wire_anthropic.calls_are_whole": "there is no call either",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("anthropic",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Leave it out."""
        if not (answer.status == 200 and answer.body):
            return answer
        told = json.loads(answer.body)
        told["content"] = []
        return Answer(answer.status, answer.headers, json.dumps(told).encode())
