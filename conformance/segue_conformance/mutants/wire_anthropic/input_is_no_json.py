"""Streams the input of a call as some languages print it."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"anthropic": ("wire_anthropic.input_pieces",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("anthropic",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Print it."""
        if event["type"] == "content_block_delta" and "partial_json" in event["delta"]:
            event["delta"]["partial_json"] = f"dict({event['delta']['partial_json']})"
        return event
