"""Answers an id that it does not hold with 400."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"openai-http": ("wire_openai_http.unknown_id_is_404",)}
ALSO = {
    "stored_responses.*": "it looks for what is not there",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in its answers."""

    wires = ("openai-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Call it a bad request."""
        if answer.status == 404:
            return Answer(400, answer.headers, answer.body)
        return answer
