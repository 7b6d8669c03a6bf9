"""Sends errors as plain text, though they are JSON."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"openai-http": ("responses_requests.json_is_called_json",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for what errors are called."""

    wires = ("openai-http",)

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Call it text."""
        if answer.status < 400:
            return answer
        return Answer(answer.status, {**answer.headers, "content-type": "text/plain"}, answer.body + b" ")
