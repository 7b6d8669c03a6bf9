"""Sends progress to clients that have not declared themselves."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {
    "openai-ws+segue": ("wire_extension.silent_client_gets_standard_events",),
    "openai-http+segue": ("wire_extension.silent_client_gets_standard_events",),
}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for what it sends to whom."""

    wires = ("openai-ws", "openai-http", "openai-ws+segue", "openai-http+segue")

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Say that it lives, to plain clients too."""
        if wire.endswith("+segue") or event["type"] != "response.in_progress":
            return event
        return [event, {"type": "segue:turn.progress", "turn": "t_1", "phase": "upstream"}]
