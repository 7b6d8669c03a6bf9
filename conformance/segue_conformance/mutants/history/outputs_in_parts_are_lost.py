"""Loses outputs of tools that came in parts."""

from __future__ import annotations

import json
from dataclasses import replace

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Request
from segue_gateway.turns import Turn

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("history.outputs_as_parts",))


class _Turn(Turn):
    def request(self) -> Request:
        whole = super().request()
        earlier = self.plan.parent.count
        return replace(whole, items=[*map(_emptied, whole.items[:earlier]), *whole.items[earlier:]])


def _emptied(item: bytes) -> bytes:
    told = json.loads(item)
    return json.dumps({**told, "output": ""}).encode() if isinstance(told.get("output"), list) else item


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for outputs in parts."""

    turn_type = _Turn
