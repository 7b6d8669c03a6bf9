"""Ends a block under another index than it began it."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"anthropic": ("wire_anthropic.blocks",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("anthropic",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Count from one."""
        return {**event, "index": event["index"] + 1} if event["type"] == "content_block_stop" else event
