"""Leaves the digest of an item out."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = dict.fromkeys(("openai-ws+segue", "openai-http+segue"), ("wire_extension.events_bear_what_is_carried",))
ALSO = {
    "resume.*": "what stands on an item's digest",
    "failures.*": "what stands on an item's digest",
    "messages.every_message_is_valid": "it stands in the message that the event means",
    "steers.*": "it stands in the message that the event means",
    "readings.resume_where_the_turn_is_read": "its messages are held against the schema",
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for digests of items."""

    wires = ("openai-ws+segue", "openai-http+segue")

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Prove nothing."""
        if event["type"] == "response.output_item.done":
            event["segue"].pop("digest")
        return event
