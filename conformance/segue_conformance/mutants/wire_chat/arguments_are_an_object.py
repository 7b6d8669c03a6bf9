"""Gives the arguments of a call as an object."""

from __future__ import annotations

import json
from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"chat": ("wire_chat.calls_are_whole",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def whole(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Parse them, so that the client need not."""
        for call in told["choices"][0]["message"].get("tool_calls", ()):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        return told
