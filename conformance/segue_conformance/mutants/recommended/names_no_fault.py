"""Refuses and does not name the member at fault."""

from __future__ import annotations

from typing import Any

from ..wire_fault import NATIVE, Told, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("recommended.fault_is_named",))
ALSO = {
    "context.*": "of settings that are refused the rule names the member",
    "full_resend.open_call_in_the_middle": "the rule names the first open call",
    "failures.empty_input": "the rule names the input",
    "refusals.*": "the rule names the place of the item",
    "steers.*": "the rule names the input",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for `param`."""

    wires = NATIVE

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave it out of an error."""
        if event["type"] != "error":
            return event
        return {**event, "error": {name: value for name, value in event["error"].items() if name != "param"}}

    def problem(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Leave it out of a problem body."""
        return {name: value for name, value in told.items() if name != "param"}
