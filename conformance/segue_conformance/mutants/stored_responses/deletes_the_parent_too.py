"""Deletes the parent with its child."""

from __future__ import annotations

from typing import Any

from segue_adapters.wires.base import Answer, Request

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-http": ("stored_responses.deleting_a_child",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for what a delete takes."""

    wires = ("openai-http",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parents: dict[str, str] = {}
        self.lost: set[str] = set()

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Take the parent down."""
        response = event.get("response") or {}
        if response.get("previous_response_id"):
            self.parents[response["id"]] = response["previous_response_id"]
        return event

    def answer(self, wire: str, request: Request | None, answer: Answer) -> Answer:
        """Lose the parent."""
        if request is not None and request.method == "DELETE" and answer.status == 200:
            self.lost.add(self.parents.get(request.path.rpartition("/")[2], ""))
        return answer

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Know it no more."""
        if message.get("previous_response_id") in self.lost:
            message["previous_response_id"] = "resp_" + "0" * 32
        return message
