"""Gives all calls of an answer one id."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"anthropic": ("items.call_ids_differ",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("anthropic",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Name them all the same."""
        if event["type"] == "content_block_start" and "id" in event["content_block"]:
            event["content_block"]["id"] = "toolu_1"
        return event
