"""Announces a response under another id than it ends with."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, Told, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_order.one_id",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the id of response.created."""

    wires = OPENAI

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Name another."""
        if event["type"] == "response.created":
            event["response"]["id"] = "resp_" + "f" * 32
        return event
