"""Forgets what the user said where the output of a tool comes in."""

from __future__ import annotations

from dataclasses import replace

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Request
from segue_gateway.turns import Turn

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("history.users_words_beside_a_tool",))


class _Turn(Turn):
    def request(self) -> Request:
        whole = super().request()
        earlier = self.plan.parent.count
        if not any(b"function_call_output" in item for item in whole.items[earlier:]):
            return whole
        kept = [item for n, item in enumerate(whole.items) if n >= earlier or b'"user"' not in item]
        return replace(whole, items=kept)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what stands before an output of a tool."""

    turn_type = _Turn
