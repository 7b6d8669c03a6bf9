"""Answers a wrong key with 400."""

from __future__ import annotations

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import WireFault

KILLED_BY = {"chat": ("wire_chat.wrong_key_refused",), "anthropic": ("wire_anthropic.wrong_key_refused",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = (
        "chat",
        "anthropic",
    )

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Call it a bad request."""
        return Answer(400, answer.headers, answer.body) if answer.status == 401 else answer
