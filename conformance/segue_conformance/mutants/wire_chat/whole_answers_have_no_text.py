"""Has no text in what it does not stream."""

from __future__ import annotations

import json

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"chat": ("turns.final_delivery",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Leave it out."""
        if not (answer.status == 200 and answer.body):
            return answer
        told = json.loads(answer.body)
        told["choices"][0]["message"]["content"] = None
        return Answer(answer.status, answer.headers, json.dumps(told).encode())
