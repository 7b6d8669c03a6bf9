"""Forgets what a developer said."""

from __future__ import annotations

from dataclasses import replace

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Request
from segue_gateway.turns import Turn

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("history.words_of_the_developer",))


class _Turn(Turn):
    def request(self) -> Request:
        whole = super().request()
        earlier = self.plan.parent.count
        kept = [item for n, item in enumerate(whole.items) if n >= earlier or b'"developer"' not in item]
        return replace(whole, items=kept)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for messages of developers."""

    turn_type = _Turn
