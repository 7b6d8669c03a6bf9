"""Sends its events without their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..wire_fault import WireFault

KILLED_BY = {"anthropic": ("wire_anthropic.event_names",)}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for one thing in what it says."""

    wires = ("anthropic",)

    def event_name(self, wire: str, event: Mapping[str, Any]) -> str | None:
        """Leave it out: the data says it."""
        return None
