"""Says twice why the answer ended."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"chat": ("wire_chat.one_finish_reason",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("chat",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Say it again."""
        choices = event.get("choices") or [{}]
        return [event, event] if choices[0].get("finish_reason") else event
