"""Answers a cancel without the items of the turn."""

from __future__ import annotations

import json

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"segue-http": ("wire_segue_http.cancel_route",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in its answers."""

    wires = ("segue-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Leave them out."""
        if request is not None and request.path.endswith("/cancel") and answer.status == 200:
            return Answer(200, answer.headers, json.dumps({**json.loads(answer.body), "items": []}).encode())
        return answer
