"""Answers a lost parent with 409."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"openai-http": ("wire_openai_http.lost_parent_status",)}
ALSO = {
    "responses_requests.long_parent_refused": "an id that is too long is lost as well",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in its answers."""

    wires = ("openai-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Call it a conflict."""
        if answer.status == 400 and b"previous_response_not_found" in answer.body:
            return Answer(409, answer.headers, answer.body)
        return answer
