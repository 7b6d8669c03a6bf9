"""Keeps the last two turns of a history only: an earlier one is lost in silence."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Request
from segue_gateway.turns import Turn

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("continuation.users_words_four_hops",))
ALSO = {
    "continuation.each_time": "it asks again and again, and the beginning goes",
    "history.long_chain": "its history is long",
    "warm_up.in_a_chain": "the chain has three turns",
}


class _Turn(Turn):
    def request(self) -> Request:
        whole = super().request()
        nodes = list(islice(self.plan.parent.nodes(), 2))
        recent = [item for node in reversed(nodes) for item in node.items]
        return replace(whole, items=[*recent, *(item.raw for item in self.plan.inputs)])


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for long histories."""

    turn_type = _Turn
