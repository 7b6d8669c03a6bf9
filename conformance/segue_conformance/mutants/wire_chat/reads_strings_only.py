"""Reads messages that are a string, and of parts nothing."""

from __future__ import annotations

from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"chat": ("wire_chat.string_equals_parts",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Leave out what is no string."""
        for said in message.get("messages") or ():
            if isinstance(said, dict) and isinstance(said.get("content"), list):
                said["content"] = "…"
        return message
