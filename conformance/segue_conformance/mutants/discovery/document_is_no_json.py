"""Serves the discovery document as plain text."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import NATIVE, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("discovery.document_is_valid",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the document's content type."""

    wires = NATIVE

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Call it text."""
        if wire != "discovery":
            return answer
        return Answer(answer.status, {**answer.headers, "content-type": "text/plain"}, answer.body)
