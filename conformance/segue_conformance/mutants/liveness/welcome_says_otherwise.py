"""Declares other limits in welcome than in the discovery document."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"segue-ws": ("liveness.welcome_declares",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the limits in welcome."""

    wires = ("segue-ws",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Say one lane more."""
        if event["type"] == "welcome":
            event["limits"]["lanes"] += 1
        return event
