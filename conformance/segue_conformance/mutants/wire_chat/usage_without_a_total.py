"""Leaves the sum out of the usage."""

from __future__ import annotations

from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"chat": ("wire_chat.usage_members",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def whole(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Who wants the sum can add."""
        del told["usage"]["total_tokens"]
        return told
