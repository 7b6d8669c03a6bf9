"""Keeps letters of ASCII, and drops all others."""

from __future__ import annotations

from dataclasses import replace

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Request
from segue_gateway.turns import Turn

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("history.letters_beyond_ascii",))


class _Turn(Turn):
    def request(self) -> Request:
        whole = super().request()
        earlier = self.plan.parent.count
        told = [item.decode().encode("ascii", "ignore") for item in whole.items[:earlier]]
        return replace(whole, items=[*told, *whole.items[earlier:]])


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for letters beyond ASCII."""

    turn_type = _Turn
