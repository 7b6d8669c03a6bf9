"""Trips over an id that is longer than its own."""

from __future__ import annotations

import json

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"openai-http": ("responses_requests.long_parent_refused",)}
ALSO = {
    "responses_requests.half_json_refused": "it trips over what is no JSON as well",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for long ids."""

    wires = ("openai-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Call it a fault of the server."""
        parent = json.loads(request.body).get("previous_response_id") if request and request.body[:1] == b"{" else None
        long = isinstance(parent, str) and len(parent) > 200
        return Answer(500, answer.headers, answer.body + b" ") if long else answer
