"""Gives the input of a call as text."""

from __future__ import annotations

import json
from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"anthropic": ("wire_anthropic.calls_are_whole",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("anthropic",)

    def whole(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Write it as the other API does."""
        for block in told["content"]:
            if block["type"] == "tool_use":
                block["input"] = json.dumps(block["input"])
        return told
