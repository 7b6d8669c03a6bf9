"""Streams no usage, asked for or not."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"chat": ("wire_chat.usage_chunk",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Keep it back."""
        return None if event.get("choices") == [] else event
