"""Ignores the tools of a request that names a parent."""

from __future__ import annotations

from typing import Any

from ..wire_fault import OPENAI, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_context.tools_beside_a_parent",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for tools behind a parent."""

    wires = OPENAI

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Take them away."""
        if message.get("previous_response_id"):
            message.pop("tools", None)
        return message
