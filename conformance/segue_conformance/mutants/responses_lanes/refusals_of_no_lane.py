"""Refuses a create in a lane without naming the lane."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-ws": ("responses_lanes.refusal_names_its_lane",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the lane of a refusal."""

    wires = ("openai-ws",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave it out."""
        if event["type"] == "error":
            event.pop("stream_id", None)
        return event
