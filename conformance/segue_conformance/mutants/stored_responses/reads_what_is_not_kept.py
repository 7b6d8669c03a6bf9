"""Answers the reading of responses that are not stored, or were deleted."""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import Told, WireFault

KILLED_BY = {
    "openai-http": (
        "stored_responses.unstored_is_not_read",
        "stored_responses.deleted_is_gone",
    )
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for what can be read."""

    wires = ("openai-http",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seen: dict[str, Any] = {}

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Take it down."""
        if event["type"] == "response.completed":
            self.seen[event["response"]["id"]] = event["response"]
        return event

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Read it all the same."""
        if request is None or request.method != "GET" or answer.status != 404:
            return answer
        known = self.seen.get(request.path.rpartition("/")[2])
        if known is None:
            return answer
        return Answer(200, answer.headers, json.dumps(known).encode())
