"""Leaves the index of the one choice out."""

from __future__ import annotations

import json

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"chat": ("wire_chat.whole_answer",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Leave it out: there is one only."""
        if not (answer.status == 200 and answer.body):
            return answer
        told = json.loads(answer.body)
        del told["choices"][0]["index"]
        return Answer(answer.status, answer.headers, json.dumps(told).encode())
