"""Brings whole items as still in progress."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_members.whole_items_are_finished",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the status of whole items."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Say that they go on."""
        if event["type"] == "response.output_item.done":
            event["item"]["status"] = "in_progress"
        return event
