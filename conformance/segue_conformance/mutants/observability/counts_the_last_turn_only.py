"""Says as `reused` the items of the parent's turn alone."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("observability.reused_items",))


class _Turn(Turn):
    def accepted(self) -> models.TurnAccepted:
        event = super().accepted()
        if isinstance(event.reused, models.Reused):
            event.reused.items = len(self.plan.parent.items)
        return event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for counts."""

    turn_type = _Turn
