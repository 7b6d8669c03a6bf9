"""Runs a turn without its history where that is longer than fifty items."""

from __future__ import annotations

from dataclasses import replace

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Request
from segue_gateway.turns import Turn

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("history.long_chain",))


class _Turn(Turn):
    def request(self) -> Request:
        whole = super().request()
        earlier = self.plan.parent.count
        return replace(whole, items=whole.items[earlier:]) if earlier > 50 else whole


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for long histories."""

    turn_type = _Turn
