"""Reports a total of tokens that is not the sum of its parts."""

from __future__ import annotations

from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn
from segue_schemas import models

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("turns.usage_adds_up",))
ALSO = {
    "responses_events.usage_members": "it adds up as well",
}


class _Turn(Turn):
    def completed(self, *args: Any, **kwargs: Any) -> models.TurnCompleted:
        event = super().completed(*args, **kwargs)
        if isinstance(event.usage, models.Usage):
            event.usage.total_tokens += 1
        return event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for sums."""

    turn_type = _Turn
