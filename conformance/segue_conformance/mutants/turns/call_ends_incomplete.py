"""Ends a turn in which a tool is called as incomplete."""

from __future__ import annotations

from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn
from segue_schemas import models

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("turns.tool_call_completes",))


class _Turn(Turn):
    def completed(self, *args: Any, **kwargs: Any) -> models.TurnCompleted:
        event = super().completed(*args, **kwargs)
        if event.status == "completed" and any(item.role == "opens" for item in self.output.items()):
            event.status, event.reason = "incomplete", "tool_calls"
        return event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for turns that call."""

    turn_type = _Turn
