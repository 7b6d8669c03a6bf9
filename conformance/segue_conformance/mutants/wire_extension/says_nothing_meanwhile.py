"""Sends no signs of life, however long a turn takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from segue_gateway.settings import Settings

from ..wire_fault import Told, WireFault

KILLED_BY = {"openai-ws+segue": ("wire_extension.progress_is_told",)}
ALSO = {"liveness.*": "what stands on signs of life", "resume.progress_is_not_replayed": "there is none"}


class MutantEndpoint(WireFault):
    """The reference endpoint, slower, but for its progress."""

    wires = ("openai-ws+segue", "openai-http+segue")

    def __init__(self, *, settings: Settings, **more: Any) -> None:
        super().__init__(settings=replace(settings, slow_ms=1_500), **more)

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Keep it."""
        return None if event["type"] == "segue:turn.progress" else event
