"""Does not say why the answer ended."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"anthropic": ("wire_anthropic.stop_reason",)}
ALSO = {
    "turns.*": "an answer that nobody called whole is none",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("anthropic",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave it out."""
        return {**event, "delta": {}} if event["type"] == "message_delta" else event
