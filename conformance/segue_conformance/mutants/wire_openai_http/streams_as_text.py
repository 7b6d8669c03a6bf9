"""Streams events as plain text where the request does not say what it accepts."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"openai-http": ("wire_openai_http.stream_content_type",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in its answers."""

    wires = ("openai-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Look at `Accept`."""
        if request is not None and "event-stream" not in request.headers.get("accept", ""):
            answer.headers["content-type"] = answer.headers["content-type"].replace("event-stream", "plain")
        return answer
