"""Refuses a lost parent without a code and a parameter."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_events.lost_parent_is_named",))
ALSO = {
    "responses_lanes.*": "it knows refusals by code and parameter",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for how it tells a lost parent."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave out what it is."""
        if event["type"] == "error":
            event["error"] |= {"code": None, "param": None}
        return event

    def problem(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Leave out what it is."""
        return {"error": {**told["error"], "code": None, "param": None}}
