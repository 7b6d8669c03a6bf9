"""Goes on from the last turn of a lane where a turn names no parent."""

from __future__ import annotations

from typing import Any

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Held
from segue_gateway.turns import Turn
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "openai-ws"), ("lanes.lane_is_no_history",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for turns without a parent in a lane."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last: dict[tuple[str, str], str] = {}

    def ended(self, turn: Turn) -> None:
        """Note the lane's last turn."""
        super().ended(turn)
        if isinstance(turn.plan.start.lane, str):
            self.last[turn.plan.principal, turn.plan.start.lane] = turn.plan.continuation

    async def resolve_parent(self, caller: Caller, start: models.TurnStart) -> Held | None:
        """Return the parent, or that of the lane."""
        if isinstance(start.parent, str) or not isinstance(start.lane, str):
            return await super().resolve_parent(caller, start)
        last = self.last.get((caller.principal, start.lane), "")
        return await self.store.resolve(caller.principal, last, caller.scope)
