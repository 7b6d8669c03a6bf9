"""Sends events that bear the name of a turn that nobody started."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"segue-ws": ("turns.events_name_their_turn",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the names in progress."""

    wires = ("segue-ws",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Tell of another turn before the end of one."""
        if event["type"] != "turn.completed":
            return event
        return [{"type": "turn.progress", "turn": "t_of_somebody_else", "phase": "upstream"}, event]
