"""Says what the model would have said behind the end of a warm-up."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-ws": ("warm_up.is_told_as_a_response",)}
ALSO = {
    "liveness.warm_up_is_history": "it goes on from a warm-up",
    "warm_up.*": "what is said behind the end meets the next turn",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for what comes behind a warm-up."""

    wires = ("openai-ws",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Say it."""
        if event["type"] != "response.completed" or event["response"]["output"]:
            return event
        late = {"type": "response.output_text.delta", "item_id": "msg_late", "output_index": 0, "content_index": 0}
        return [event, {**late, "delta": "Hello.", "logprobs": [], "sequence_number": event["sequence_number"] + 1}]
