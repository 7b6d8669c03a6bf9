"""Names the member at fault in a notation of its own."""

from __future__ import annotations

from typing import Any

from ..wire_fault import NATIVE, Told, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("context.param_is_a_pointer",))
ALSO = {
    "recommended.fault_is_named": "it looks for the pointer",
    "context.*": "they look for the pointer",
    "refusals.*": "they look for the place of an item",
    "full_resend.open_call_in_the_middle": "it looks for the place of the call",
    "failures.empty_input": "it looks for the pointer",
    "steers.steer_leaves_no_call_open": "it looks for the pointer",
    "steers.open_call_in_a_steer": "it looks at the member that is named",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for `param`."""

    wires = NATIVE

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Write it with dots in an error."""
        return {**event, "error": _dotted(event["error"])} if event["type"] == "error" else event

    def problem(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Write it with dots in a problem body."""
        return _dotted(told)


def _dotted(error: dict[str, Any]) -> dict[str, Any]:
    param = error.get("param")
    return {**error, "param": param[1:].replace("/", ".")} if isinstance(param, str) else error
