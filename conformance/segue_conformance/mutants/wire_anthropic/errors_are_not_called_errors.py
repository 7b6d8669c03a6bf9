"""Leaves the type out of the envelope of an error."""

from __future__ import annotations

import json

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"anthropic": ("wire_anthropic.error_envelope",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("anthropic",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Leave it out."""
        if not (answer.status >= 400 and answer.body):
            return answer
        told = json.loads(answer.body)
        told.pop("type")
        return Answer(answer.status, answer.headers, json.dumps(told).encode())
