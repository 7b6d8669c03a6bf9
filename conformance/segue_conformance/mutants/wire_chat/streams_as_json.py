"""Calls a stream JSON where nobody asks for its usage."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"chat": ("wire_chat.stream_content_type",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Name what is in it."""
        if request is not None and b"stream_options" not in request.body:
            answer.headers["content-type"] = answer.headers["content-type"].replace(
                "text/event-stream", "application/json"
            )
        return answer
