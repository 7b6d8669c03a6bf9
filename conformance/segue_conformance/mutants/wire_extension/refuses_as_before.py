"""Refuses as the plain wire does, without code, advice and effect."""

from __future__ import annotations

from typing import Any

from ..wire_fault import Told, WireFault

KILLED_BY = dict.fromkeys(("openai-ws+segue", "openai-http+segue"), ("wire_extension.refusals_are_whole",))
ALSO = {"*": "a client has to guess what OpenAI's codes mean"}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for its refusals."""

    wires = ("openai-ws+segue", "openai-http+segue")

    def event(self, wire: str, event: dict[str, Any], state: dict[str, Any]) -> Told:
        """Leave `segue` out."""
        if event["type"] == "error":
            event.pop("segue", None)
        return event

    def problem(self, wire: str, told: dict[str, Any]) -> dict[str, Any]:
        """Leave `segue` out."""
        return {name: value for name, value in told.items() if name != "segue"}
