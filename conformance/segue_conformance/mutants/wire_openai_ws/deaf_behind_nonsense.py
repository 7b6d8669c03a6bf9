"""Answers nothing behind a client event of an unknown type."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-ws": ("wire_openai_ws.unreadable_messages",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for what comes behind nonsense."""

    wires = ("openai-ws",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Say nothing more."""
        if state.get("deaf"):
            return None
        state["deaf"] = event["type"] == "error" and "response.teleport" in str(event)
        return event
