"""Gives the arguments of a call as an object."""

from __future__ import annotations

import json

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"chat": ("wire_chat.calls_are_whole",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Parse them, so that the client need not."""
        if not (answer.status == 200 and answer.body):
            return answer
        told = json.loads(answer.body)
        for call in told["choices"][0]["message"].get("tool_calls", ()):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        return Answer(answer.status, answer.headers, json.dumps(told).encode())
