"""Answers no prefixed message whose type it does not know."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-ws+segue": ("wire_extension.unknown_prefixed_message_is_refused",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for what it does not know."""

    wires = ("openai-ws+segue",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Say nothing of it."""
        unknown = event["type"] == "segue:error" and event["error"]["code"] == "unsupported_message"
        return None if unknown else event
