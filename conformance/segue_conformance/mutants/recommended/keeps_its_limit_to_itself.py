"""Refuses what is too large and does not say what the limit is."""

from __future__ import annotations

from typing import Any

from ..wire_fault import NATIVE, Told, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("recommended.limit_is_told",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for details."""

    wires = NATIVE

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave it out of an error."""
        if event["type"] != "error":
            return event
        return {**event, "error": {name: value for name, value in event["error"].items() if name != "detail"}}

    def problem(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Leave it out of a problem body."""
        return {name: value for name, value in told.items() if name != "info"}
