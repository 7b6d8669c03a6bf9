"""Writes its answer as a message of the user's."""

from __future__ import annotations

from typing import Any

from ..wire_fault import NATIVE, Told, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("items.whole_items_are_valid",))
ALSO = {
    "bundles.export_is_whole": "the export has the role of the assistant",
    "resume.digests_agree": "the role is a part of the digest",
    "steers.enters_between_items": "the history behind a steer has the wrong role",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for who speaks."""

    wires = NATIVE

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Begin messages as the user's."""
        item = event.get("item")
        if event["type"] == "item.started" and isinstance(item, dict) and item.get("role") == "assistant":
            event["item"] = {**item, "role": "user"}
        return event
