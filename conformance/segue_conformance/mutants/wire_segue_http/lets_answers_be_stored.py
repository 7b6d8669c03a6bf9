"""Lets whole answers be stored by caches."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"segue-http": ("wire_segue_http.whole_answer",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in its answers."""

    wires = ("segue-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Leave the header out."""
        if answer.status == 200:
            answer.headers.pop("cache-control", None)
        return answer
