"""Reads the parent's history when the turn begins to run, and runs without it where that is gone."""

from __future__ import annotations

from dataclasses import replace

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Request
from segue_gateway.stores.memory import MemoryStore
from segue_gateway.turns import Turn

KILLED_BY = dict.fromkeys(("segue-ws",), ("deletion.accepted_turn_keeps_its_parent",))


class _Turn(Turn):
    def request(self) -> Request:
        whole = super().request()
        assert isinstance(self.store, MemoryStore)
        key = (self.plan.principal, self.plan.parent_id or "")
        if self.plan.parent_id is None or key in self.store._handles:
            return whole
        return replace(whole, items=[item.raw for item in self.plan.inputs])


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for turns that wait."""

    turn_type = _Turn
