"""Counts the items of an output from one."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_order.indexes_are_places",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the places of items."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Count one more."""
        if "output_index" in event:
            event["output_index"] += 1
        return event
