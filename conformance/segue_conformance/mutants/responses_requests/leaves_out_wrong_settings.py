"""Leaves settings of a wrong type out in silence."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_requests.wrong_settings_refused",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for wrong settings."""

    wires = OPENAI

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Leave tools out that are none."""
        if not isinstance(message.get("tools", []), list):
            del message["tools"]
        return message
