"""Takes a message whose content is a number for its digits."""

from __future__ import annotations

from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"chat": ("turns.wrong_type_refused",), "anthropic": ("turns.wrong_type_refused",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = (
        "chat",
        "anthropic",
    )

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Write it out."""
        for said in message.get("messages") or ():
            if isinstance(said, dict) and isinstance(said.get("content"), int):
                said["content"] = str(said["content"])
        return message
