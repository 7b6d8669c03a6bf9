"""Begins a reading in the middle by `response.created`, as if it began anew."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-ws+segue": ("wire_extension.resumed_by_events_of_the_wire",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for how a reading begins."""

    wires = ("openai-ws+segue",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Begin anew."""
        segue = event.get("segue", {})
        turn = segue.get("turn") if "seq" in segue else None
        if turn is None or turn in state or event["type"] == "response.created":
            return event
        state[turn] = True
        return [{"type": "response.created", "response": {"id": "resp_1"}, "segue": {"turn": turn}}, event]
