"""Answers the reading of a foreign response by 403, of an unknown one by 404."""

from __future__ import annotations

from typing import Any

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-http": ("stored_responses.foreign_is_unknown",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for responses of others."""

    wires = ("openai-http",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seen: set[str] = set()

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Take it down."""
        if event["type"] == "response.completed":
            self.seen.add(event["response"]["id"])
        return event

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Say that it is somebody's."""
        known = request is not None and request.method == "GET" and request.path.rpartition("/")[2] in self.seen
        return Answer(403, answer.headers, answer.body + b" ") if known and answer.status == 404 else answer
