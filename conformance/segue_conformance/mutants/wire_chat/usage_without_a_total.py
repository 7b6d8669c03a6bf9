"""Leaves the sum out of the usage."""

from __future__ import annotations

import json

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"chat": ("wire_chat.usage_members",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Who wants the sum can add."""
        if not (answer.status == 200 and answer.body):
            return answer
        told = json.loads(answer.body)
        del told["usage"]["total_tokens"]
        return Answer(answer.status, answer.headers, json.dumps(told).encode())
