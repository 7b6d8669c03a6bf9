"""Digests an item of a type that it does not know by its type alone."""

from __future__ import annotations

from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn
from segue_schemas import history_digest, models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("resume.open_items_are_digested_whole",))


class _Turn(Turn):
    def completed(self, *args: Any, **kwargs: Any) -> models.TurnCompleted:
        event = super().completed(*args, **kwargs)
        if any(item.kind == "vendor:note" for item in self.plan.inputs):
            event.digest = history_digest([{"type": item.kind} for item in self.plan.inputs])
        return event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for open items."""

    turn_type = _Turn
