"""Gives all turns that are not named the same name."""

from __future__ import annotations

from typing import Any

from ..wire_fault import WireFault

KILLED_BY = dict.fromkeys(("openai-ws+segue", "openai-http+segue"), ("wire_extension.names_are_drawn",))
ALSO = {"wire_extension.refusals_are_whole": "what it asks for under no name is another turn under a known one"}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the names that it draws."""

    wires = ("openai-ws+segue", "openai-http+segue")

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Draw none."""
        if "input" in message and not message.get("segue", {}).get("turn"):
            message["segue"] = {**(message.get("segue") or {}), "turn": "t_always_the_same"}
        return message
