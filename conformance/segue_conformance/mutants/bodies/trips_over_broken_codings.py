"""Fails on a body that does not decode."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"segue-http": ("bodies.broken_coding",)}
ALSO = {"messages.*": "a body that is no JSON for Segue does not decode either"}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for bodies that do not decode."""

    wires = ("segue-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Tell what was the client's fault as one of its own."""
        if answer.status != 400 or b"malformed_message" not in answer.body:
            return answer
        body = answer.body.replace(b"malformed_message", b"internal_error").replace(b"400", b"500")
        return Answer(500, answer.headers, body)
