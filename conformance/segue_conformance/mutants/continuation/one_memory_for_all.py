"""Shows the model what was said before in any conversation, parent or not."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from segue_gateway.endpoint import Endpoint
from segue_gateway.engines.base import Request
from segue_gateway.turns import Turn

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("continuation.never_said",))
ALSO = {
    "lanes.lane_is_no_history": "a word of another conversation comes back there, too",
    "responses_context.members_are_no_history": "a word of another conversation comes back there, too",
}


class _Turn(Turn):
    said: ClassVar[dict[int, list[bytes]]] = {}

    def request(self) -> Request:
        whole = super().request()
        if self.plan.parent_id is not None:
            return whole
        own = [item.raw for item in self.plan.inputs]
        before = self.said.setdefault(id(self.store), [])
        items = [*before[-20:], *own]
        before += [item for item in own if b"Remember" in item]
        return replace(whole, items=items)


class MutantEndpoint(Endpoint):
    """The reference endpoint with a memory across conversations."""

    turn_type = _Turn
