"""Gives the error as text, not as an object."""

from __future__ import annotations

import json

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"chat": ("wire_chat.error_envelope",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Say it in a sentence."""
        if not (answer.status >= 400 and answer.body):
            return answer
        told = json.loads(answer.body)
        told["error"] = told["error"]["message"]
        return Answer(answer.status, answer.headers, json.dumps(told).encode())
