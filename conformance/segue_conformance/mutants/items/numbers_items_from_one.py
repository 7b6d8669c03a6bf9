"""Numbers the items of an output from one instead of from zero."""

from __future__ import annotations

from typing import Any

from ..wire_fault import NATIVE, Told, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("items.indexes",))
ALSO = {
    "failures.cut_call_is_discarded": "what it drops is named by its number",
    "steers.enters_between_items": "the steer's first item has a number as well",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for indexes."""

    wires = NATIVE

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Count one more."""
        return {**event, "index": event["index"] + 1} if "index" in event else event
