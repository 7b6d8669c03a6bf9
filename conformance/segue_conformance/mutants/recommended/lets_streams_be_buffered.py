"""Does not tell proxies that a stream is one."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"segue-http": ("recommended.streams_are_not_buffered",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for a header."""

    wires = ("segue-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Leave the header out."""
        headers = {name: value for name, value in answer.headers.items() if name != "x-accel-buffering"}
        return Answer(answer.status, headers, answer.body)
