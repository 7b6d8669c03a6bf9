"""Leaves clients to retry a conflict for ever."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"segue-http": ("wire_segue_http.conflict_is_not_retried",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in its answers."""

    wires = ("segue-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Leave out the header that stops them."""
        if answer.status == 409:
            answer.headers.pop("x-should-retry", None)
        return answer
