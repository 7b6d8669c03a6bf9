"""Answers the reading of a response without its output."""

from __future__ import annotations

import json

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"openai-http": ("stored_responses.read_is_what_was_answered",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for what is read."""

    wires = ("openai-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Leave the output out."""
        if request is None or request.method != "GET" or answer.status != 200 or b'"response"' not in answer.body:
            return answer
        told = {**json.loads(answer.body), "output": []}
        return Answer(answer.status, answer.headers, json.dumps(told).encode())
