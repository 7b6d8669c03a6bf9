"""Tells what is no message at all as an invalid request."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"segue-ws": ("messages.no_object",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for frames without a type."""

    wires = ("segue-ws",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Give it another code."""
        if event["type"] == "error" and event["error"]["message"].endswith("with a `type`."):
            event["error"]["code"] = "invalid_request"
        return event
