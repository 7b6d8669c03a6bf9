"""Has what was said in a turn whose client vanished in the history of its parent."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("lost_connections.vanished_is_no_history",))
ALSO = {
    "continuation.refused_turn_leaves_parent": "a refused turn never comes to its end either",
    "responses_lanes.failed_fork_leaves_parent": "a fork that failed is history as well",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for turns that were never heard to their end."""

    wires = OPENAI

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.open: dict[str, list[Any]] = {}

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Put before the input what was said behind the same parent and never told to be at its end."""
        parent, given = message.get("previous_response_id"), message.get("input")
        if isinstance(parent, str) and isinstance(given, list):
            message["input"] = [*self.open.get(parent, []), *given]
            self.open[parent] = message["input"]
        return message

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Take down what came to its end."""
        if event["type"] == "response.completed":
            self.open.pop(str(event["response"].get("previous_response_id")), None)
        return event
