"""Serves the discovery document below its base path only."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import NATIVE, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("discovery.document_at_origin",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the document at the origin."""

    wires = NATIVE

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Know nothing of it there."""
        at_origin = wire == "discovery" and request is not None and request.path == "/.well-known/segue"
        return Answer(404, answer.headers, b"{}") if at_origin else answer
