"""Speaks the extension and answers without its header."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request
from segue_adapters.wires.extension import HEADER

from ..wire_fault import WireFault

KILLED_BY = dict.fromkeys(("openai-ws+segue", "openai-http+segue"), ("wire_extension.both_sides_are_declared",))
ALSO = {"*": "a client takes it for an endpoint without the extension"}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the header."""

    wires = ("openai-ws+segue", "openai-http+segue")

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Leave it out."""
        headers = {name: value for name, value in answer.headers.items() if name != HEADER}
        return Answer(answer.status, headers, answer.body)

    def gives_headers(self, wire: str, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Leave it out."""
        return []
