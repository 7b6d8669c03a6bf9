"""Writes the names of lanes in lower case."""

from __future__ import annotations

from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"openai-ws": ("responses_lanes.names_of_lanes",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the names of lanes."""

    wires = ("openai-ws",)

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Write it small."""
        if isinstance(message.get("stream_id"), str):
            message["stream_id"] = message["stream_id"].lower()
        return message
