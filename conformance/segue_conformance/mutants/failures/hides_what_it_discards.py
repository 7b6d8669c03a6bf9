"""Does not list the items that it discards."""

from __future__ import annotations

from typing import Any

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("failures.cut_call_is_discarded",))


class _Turn(Turn):
    def completed(self, *args: Any, **kwargs: Any) -> models.TurnCompleted:
        event = super().completed(*args, **kwargs)
        event.discarded = msgspec.UNSET
        return event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for `discarded`."""

    turn_type = _Turn
