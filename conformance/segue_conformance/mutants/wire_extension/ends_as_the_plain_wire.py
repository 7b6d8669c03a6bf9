"""Ends a connection without `segue:connection.draining`, as the plain wire does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from segue_gateway.settings import Settings

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-ws+segue": ("wire_extension.draining_is_told",)}
ALSO = {"*": "connections live for a second, and nobody is told"}


class MutantEndpoint(WireFault):
    """The reference endpoint with short connections, but for their notice."""

    wires = ("openai-ws+segue",)

    def __init__(self, *, settings: Settings, **more: Any) -> None:
        super().__init__(settings=replace(settings, connection_ms=1_200, draining_ms=400), **more)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Keep it."""
        return None if event["type"] == "segue:connection.draining" else event
