"""Forgets all that was said before an answer that was cut."""

from __future__ import annotations

from dataclasses import replace

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Request
from segue_gateway.turns import Turn

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("history.words_before_a_cut",))


class _Turn(Turn):
    def request(self) -> Request:
        whole = super().request()
        earlier = self.plan.parent.count
        cut = any(b'"incomplete"' in item for item in whole.items[:earlier])
        return replace(whole, items=[item for n, item in enumerate(whole.items) if n >= earlier or not cut])


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what stands before a cut."""

    turn_type = _Turn
