"""Lists input items from the newest on, whatever order is asked for."""

from __future__ import annotations

import json

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"openai-http": ("stored_responses.input_items",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the order of input items."""

    wires = ("openai-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Turn the list around where the oldest is wanted first."""
        if request is None or request.query.get("order") != "asc" or answer.status != 200:
            return answer
        told = json.loads(answer.body)
        return Answer(answer.status, answer.headers, json.dumps({**told, "data": told["data"][::-1]}).encode())
