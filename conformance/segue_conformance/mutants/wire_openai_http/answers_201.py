"""Answers a create with 201, as what creates something often does."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"openai-http": ("wire_openai_http.whole_answer",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in its answers."""

    wires = ("openai-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Say that something was created."""
        if request is not None and request.method == "POST" and answer.status == 200 and answer.body:
            return Answer(201, answer.headers, answer.body)
        return answer
