"""Advises to wait and does not say how long."""

from __future__ import annotations

from typing import Any

from ..wire_fault import NATIVE, Told, WireFault

KILLED_BY = {"segue-ws": ("recommended.wait_says_how_long",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for `retry_after_ms`."""

    wires = NATIVE

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave it out of an error."""
        if event["type"] != "error":
            return event
        return {**event, "error": {name: value for name, value in event["error"].items() if name != "retry_after_ms"}}

    def problem(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Leave it out of a problem body."""
        return {name: value for name, value in told.items() if name != "retry_after_ms"}
