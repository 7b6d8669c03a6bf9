"""Ends a cancelled turn as incomplete."""

from __future__ import annotations

from typing import Any

from ..wire_fault import NATIVE, Told, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("lanes.cancel",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for how a cancelled turn ends."""

    wires = NATIVE

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Say incomplete."""
        if event["type"] == "turn.completed" and event["status"] == "cancelled":
            event |= {"status": "incomplete", "reason": "cancelled"}
        return event
