"""Runs every third turn that has a parent without its history."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Request
from segue_gateway.turns import Plan, Turn

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("continuation.each_time",))


class _Turn(Turn):
    forgets = False

    def request(self) -> Request:
        whole = super().request()
        return replace(whole, items=whole.items[self.plan.parent.count :]) if self.forgets else whole


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for every third history."""

    turn_type = _Turn

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.went_on = 0

    def make_turn(self, plan: Plan, caller: Caller) -> Turn:
        """Return the turn, forgetful or not."""
        turn = super().make_turn(plan, caller)
        self.went_on += plan.parent_id is not None
        if isinstance(turn, _Turn):
            turn.forgets = plan.parent_id is not None and self.went_on % 3 == 0
        return turn
