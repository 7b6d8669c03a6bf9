"""Sends a sign of life before it accepts a turn."""

from __future__ import annotations

from typing import Any

from ..wire_fault import NATIVE, Told, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("turns.accepted_first",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the first event of a turn."""

    wires = NATIVE

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Say first that something is going on."""
        if event["type"] != "turn.accepted" or event.get("replayed"):
            return event
        return [{"type": "turn.progress", "turn": event["turn"], "phase": "queued"}, event]
