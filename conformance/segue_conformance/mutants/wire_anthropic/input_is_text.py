"""Gives the input of a call as text."""

from __future__ import annotations

import json

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"anthropic": ("wire_anthropic.calls_are_whole",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("anthropic",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Write it as the other API does."""
        if not (answer.status == 200 and answer.body):
            return answer
        told = json.loads(answer.body)
        for block in told["content"]:
            if block["type"] == "tool_use":
                block["input"] = json.dumps(block["input"])
        return Answer(answer.status, answer.headers, json.dumps(told).encode())
