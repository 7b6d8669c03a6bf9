"""Takes a `stream_id` and ignores it."""

from __future__ import annotations

from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"openai-ws": ("wire_openai_ws.lane_names",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the names of lanes."""

    wires = ("openai-ws",)

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Forget it."""
        message.pop("stream_id", None)
        return message
