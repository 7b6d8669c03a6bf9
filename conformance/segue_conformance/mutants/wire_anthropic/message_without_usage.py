"""Leaves the usage out of a whole message."""

from __future__ import annotations

import json

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"anthropic": ("wire_anthropic.whole_answer",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("anthropic",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Count nothing."""
        if not (answer.status == 200 and answer.body):
            return answer
        told = json.loads(answer.body)
        del told["usage"]
        return Answer(answer.status, answer.headers, json.dumps(told).encode())
