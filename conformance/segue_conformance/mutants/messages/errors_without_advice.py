"""Gives every refusal the same advice."""

from __future__ import annotations

from typing import Any

from ..wire_fault import NATIVE, Told, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("messages.error_members",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for advice."""

    wires = NATIVE

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Advise to mend the request."""
        if event["type"] == "error":
            event["error"]["advice"] = "fix"
        return event

    def problem(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Advise to mend the request."""
        return {**told, "advice": "fix"}
