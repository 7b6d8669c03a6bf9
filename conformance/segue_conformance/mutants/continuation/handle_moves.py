"""Lets a handle move: an older one stands for the newest turn that went on from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Held
from segue_gateway.turns import Turn
from segue_schemas import models

from ...registry import WIRES

_BOTH = ("continuation.handle_is_immutable", "continuation.fork")
KILLED_BY = {wire: (*_BOTH, "retention.older_connection_handle") if "-ws" in wire else _BOTH for wire in WIRES}
ALSO = {
    "failures.empty_input": "the parent has moved when it is compared",
    "lost_connections.vanished_is_no_history": "the parent has moved to the turn that nobody read",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for handles that were gone on from."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.newest: dict[str, Turn] = {}

    def ended(self, turn: Turn) -> None:
        """Note which turn went on from a handle last."""
        super().ended(turn)
        if turn.plan.parent_id is not None:
            self.newest[turn.plan.parent_id] = turn

    async def resolve_parent(self, caller: Caller, start: models.TurnStart) -> Held | None:
        """Return the parent with the history of its newest child."""
        held = await super().resolve_parent(caller, start)
        if held is None or held.handle.id not in self.newest:
            return held
        return replace(held, handle=replace(held.handle, history=self.newest[held.handle.id].history()))
