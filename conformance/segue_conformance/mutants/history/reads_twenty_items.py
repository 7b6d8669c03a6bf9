"""Reads the last twenty items of a request, and leaves the others out."""

from __future__ import annotations

from dataclasses import replace

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Request
from segue_gateway.turns import Turn

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("history.many_items",))


class _Turn(Turn):
    def request(self) -> Request:
        whole = super().request()
        return replace(whole, items=whole.items[-20:])


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for how many items it reads."""

    turn_type = _Turn
