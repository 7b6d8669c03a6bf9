"""Accepts a turn in a lane and does not say in which."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"segue-ws": ("lanes.lane_is_named",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the lane in turn.accepted."""

    wires = ("segue-ws",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave the lane out."""
        event.pop("lane", None)
        return event
