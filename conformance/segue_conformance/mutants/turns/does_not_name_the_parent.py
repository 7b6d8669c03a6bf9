"""Accepts a turn without saying from which parent."""

from __future__ import annotations

from typing import Any

from ..wire_fault import NATIVE, Told, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("turns.acceptance_says_what_holds",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the parent in turn.accepted."""

    wires = NATIVE

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave the parent out."""
        if event["type"] == "turn.accepted":
            event.pop("parent", None)
        return event
