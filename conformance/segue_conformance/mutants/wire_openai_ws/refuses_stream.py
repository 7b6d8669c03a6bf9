"""Refuses `stream` in a create, though clients always send it."""

from __future__ import annotations

from typing import Any

from segue_gateway.refusals import invalid_request

from ..wire_fault import WireFault

KILLED_BY = {"openai-ws": ("wire_openai_ws.stream_member",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for a member that means nothing here."""

    wires = ("openai-ws",)

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Refuse it."""
        if "stream" in message:
            raise invalid_request("Unknown parameter: 'stream'.", "stream")
        return message
