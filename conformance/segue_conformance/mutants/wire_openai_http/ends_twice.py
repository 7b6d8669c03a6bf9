"""Sends the terminal event of a stream twice."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-http": ("wire_openai_http.one_end",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the end of a stream."""

    wires = ("openai-http",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """End, and end again."""
        return [event, event] if event["type"] == "response.completed" else event
