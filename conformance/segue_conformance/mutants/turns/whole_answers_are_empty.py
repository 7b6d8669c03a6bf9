"""Answers without text where the answer is asked for whole."""

from __future__ import annotations

import json
from typing import Any

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import Told, WireFault

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http", "openai-http"), ("turns.final_delivery",))
ALSO = {
    "bundles.export_is_whole": "the items that the client builds lack their text",
    "stored_responses.read_is_what_was_answered": "a stored response is a whole answer",
}


def _emptied(value: Any) -> Any:
    if isinstance(value, list):
        return [_emptied(member) for member in value]
    if not isinstance(value, dict):
        return value
    gone = ("text",) if value.get("type") == "output_text" else ()
    return {name: "" if name in gone else _emptied(member) for name, member in value.items()}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for whole answers."""

    wires = ("segue-ws", "segue-http", "openai-http")

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave the text out of an item that comes whole."""
        return _emptied(event) if wire == "segue-ws" and event["type"] == "item.completed" else event

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Leave the text out of an answer that comes whole."""
        if wire not in self.wires or answer.status != 200 or not answer.body.startswith(b"{"):
            return answer
        return Answer(200, answer.headers, json.dumps(_emptied(json.loads(answer.body))).encode())
