"""Gives the model the last ten messages, and tells nobody."""

from __future__ import annotations

from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"chat": ("history.many_items",), "anthropic": ("history.many_items",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for how much of a history it reads."""

    wires = (
        "chat",
        "anthropic",
    )

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Drop the older ones."""
        said = message.get("messages")
        return {**message, "messages": said[-9:]} if isinstance(said, list) else message
