"""Refuses a message and does not say which."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"segue-ws": ("messages.unknown_type",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for what a refusal refuses."""

    wires = ("segue-ws",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave it out where the message is unknown."""
        if event["type"] == "error" and event["error"]["code"] == "unsupported_message":
            event.pop("refused", None)
        return event
