"""Answers a turn that runs with status 200."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"segue-http": ("bodies.answer_before_the_end",)}
ALSO = {
    "steers.*": "a turn that is told as done is not steered",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the status of what runs."""

    wires = ("segue-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Answer 200 to what is not done."""
        return Answer(200, answer.headers, answer.body) if answer.status == 202 else answer
