"""Tells the temperature of a response as text."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_members.other_member_types",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the type of one member."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Write it as text."""
        if isinstance(event.get("response"), dict):
            event["response"]["temperature"] = "1.0"
        return event
