"""Gives a turn the history of another one that runs at the same time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Request
from segue_gateway.turns import Plan, Turn

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("isolation.at_the_same_time",))


class _Turn(Turn):
    owner: Any = None

    def request(self) -> Request:
        whole = super().request()
        others = [turn for turn in self.owner.running.values() if turn is not self and turn.plan.parent_id is not None]
        if self.plan.parent_id is None or not others:
            return whole
        own = whole.items[self.plan.parent.count :]
        return replace(whole, items=[*Turn.request(others[0]).items[: others[0].plan.parent.count], *own])


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what comes together."""

    turn_type = _Turn

    def make_turn(self, plan: Plan, caller: Caller) -> Turn:
        """Return a turn that knows the others."""
        turn = super().make_turn(plan, caller)
        assert isinstance(turn, _Turn)
        turn.owner = self
        return turn
