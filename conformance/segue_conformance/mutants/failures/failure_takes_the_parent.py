"""Gives a parent up when a turn from it fails."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.states import State
from segue_gateway.turns import Turn

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("failures.failed_turn_leaves_parent",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for parents of failed turns."""

    def ended(self, turn: Turn) -> None:
        """Delete the parent of a turn that failed."""
        super().ended(turn)
        if turn.state is State.FAILED and turn.plan.parent_id is not None:
            self.spawn(self.forget(turn.plan.principal, turn.plan.parent_id, turn.plan.scope))

    async def forget(self, principal: str, identifier: str, scope: str | None) -> None:
        """Delete a continuation."""
        await self.store.delete(principal, identifier, scope)
