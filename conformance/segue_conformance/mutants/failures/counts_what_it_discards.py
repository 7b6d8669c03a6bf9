"""Counts a discarded item in the length and the digest of the history."""

from __future__ import annotations

from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn
from segue_schemas import EMPTY_HISTORY, extend, models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("failures.cut_call_is_discarded",))


class _Turn(Turn):
    def completed(self, *args: Any, **kwargs: Any) -> models.TurnCompleted:
        event = super().completed(*args, **kwargs)
        if isinstance(event.discarded, list) and isinstance(event.digest, str) and isinstance(event.length, int):
            event.digest, event.length = extend(event.digest, EMPTY_HISTORY), event.length + 1
        return event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the chain."""

    turn_type = _Turn
