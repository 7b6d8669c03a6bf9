"""Does not say how many items came from state."""

from __future__ import annotations

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("observability.reused_items",))


class _Turn(Turn):
    def accepted(self) -> models.TurnAccepted:
        event = super().accepted()
        event.reused = msgspec.UNSET
        return event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for `reused`."""

    turn_type = _Turn
