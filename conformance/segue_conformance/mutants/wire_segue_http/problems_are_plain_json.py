"""Answers a refusal as plain JSON."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"segue-http": ("wire_segue_http.problems",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in its answers."""

    wires = ("segue-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Give it the content type of any other answer."""
        if answer.status >= 400:
            answer.headers["content-type"] = "application/json"
        return answer
