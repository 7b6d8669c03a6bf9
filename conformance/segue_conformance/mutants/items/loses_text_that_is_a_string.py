"""Shows the model no text that stands as a string, but for the last message of an input."""

from __future__ import annotations

import json
from dataclasses import replace

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Request
from segue_gateway.turns import Turn

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("items.string_equals_parts",))


class _Turn(Turn):
    def request(self) -> Request:
        whole = super().request()
        first, last = self.plan.parent.count, len(whole.items) - 1
        shown = [_emptied(item) if first <= place < last else item for place, item in enumerate(whole.items)]
        return replace(whole, items=shown)


def _emptied(raw: bytes) -> bytes:
    item = json.loads(raw)
    if not isinstance(item.get("content"), str):
        return raw
    return json.dumps({**item, "content": ""}).encode()


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for text as a string."""

    turn_type = _Turn
