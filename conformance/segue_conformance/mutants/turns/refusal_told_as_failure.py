"""Tells the refusal of a lost parent as the failure of a turn that it never accepted."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"segue-ws": ("turns.failure_only_after_acceptance",)}
ALSO = {
    "*": "it looks for the refusal of a lost parent",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for how a lost parent is told."""

    wires = ("segue-ws",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Say turn.failed."""
        if event["type"] != "error" or event["error"]["code"] != "continuation_not_found" or "turn" not in event:
            return event
        return {"type": "turn.failed", "turn": event["turn"], "seq": 0, "error": event["error"]}
