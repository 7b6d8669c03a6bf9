"""Refuses as the plain wire does, without code, advice and effect."""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import Told, WireFault

KILLED_BY = dict.fromkeys(("openai-ws+segue", "openai-http+segue"), ("wire_extension.refusals_are_whole",))
ALSO = {"*": "a client has to guess what OpenAI's codes mean"}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for its refusals."""

    wires = ("openai-ws+segue", "openai-http+segue")

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave `segue` out."""
        if event["type"] == "error":
            event.pop("segue", None)
        return event

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Leave `segue` out."""
        if answer.status < 400 or not answer.body:
            return answer
        body = {name: value for name, value in json.loads(answer.body).items() if name != "segue"}
        return Answer(answer.status, answer.headers, json.dumps(body).encode())
