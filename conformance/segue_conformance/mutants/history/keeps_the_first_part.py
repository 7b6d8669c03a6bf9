"""Keeps the first part of a message, and none of the others."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Request
from segue_gateway.turns import Turn

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("history.every_part_and_item",))


class _Turn(Turn):
    def request(self) -> Request:
        whole = super().request()
        earlier = self.plan.parent.count
        return replace(whole, items=[_cut(item) if n < earlier else item for n, item in enumerate(whole.items)])


def _cut(item: bytes) -> bytes:
    told = msgspec.json.decode(item)
    if isinstance(told.get("content"), list):
        told["content"] = told["content"][:1]
    return msgspec.json.encode(told)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the parts of a message."""

    turn_type = _Turn
