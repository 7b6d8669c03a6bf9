"""Gives the items of a steer in another form than they were sent."""

from __future__ import annotations

from typing import Any

from ..wire_fault import NATIVE, Told, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("steers.enters_between_items",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the items in `turn.steered`."""

    wires = NATIVE

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Add what a server likes to add."""
        if event["type"] == "turn.steered":
            return {**event, "items": [{**item, "status": "completed"} for item in event["items"]]}
        return event
