"""Ignores a conversation that is named beside a parent."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_requests.two_pasts_refused",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for conversations."""

    wires = OPENAI

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Take no notice of it."""
        message.pop("conversation", None)
        return message
