"""Lists under `omitted` a place behind the end of the history."""

from __future__ import annotations

from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("observability.unreadable_reasoning_is_omitted",))


class _Turn(Turn):
    def completed(self, *args: Any, **kwargs: Any) -> models.TurnCompleted:
        event = super().completed(*args, **kwargs)
        if isinstance(event.omitted, list) and isinstance(event.length, int):
            event.omitted = [*event.omitted, event.length]
        return event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for `omitted`."""

    turn_type = _Turn
