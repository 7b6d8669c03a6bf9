"""Sends no welcome to a declared client."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-ws+segue": ("wire_extension.welcome_comes_first",)}
ALSO = {"*": "a client waits for it"}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for its welcome."""

    wires = ("openai-ws+segue",)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Keep it."""
        return None if event["type"] == "segue:welcome" else event
