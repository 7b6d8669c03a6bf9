"""Answers what came as a string or without `type`, and keeps nothing of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from segue_gateway.engines.base import Request
from segue_gateway.turns import Turn

from ..wire_fault import OPENAI, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("responses_context.easy_input_is_kept",))


_MARK = "vendor:easy"


class _Turn(Turn):
    def request(self) -> Request:
        whole = super().request()
        earlier = self.plan.parent.count
        kept = [item for place, item in enumerate(whole.items) if place >= earlier or _MARK.encode() not in item]
        return replace(whole, items=kept)


class MutantEndpoint(WireFault):
    """The reference endpoint, but for easy input in a history."""

    wires = OPENAI

    turn_type = _Turn

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Mark what is easy."""
        given = message.get("input")
        items = [{"role": "user", "content": given}] if isinstance(given, str) else given
        if isinstance(items, list):
            marked = [{**i, _MARK: True} if isinstance(i, dict) and "type" not in i else i for i in items]
            message["input"] = marked
        return message
