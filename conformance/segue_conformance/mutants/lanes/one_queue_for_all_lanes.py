"""Takes the names of lanes and puts all turns of a connection into one queue."""

from __future__ import annotations

from collections import deque
from typing import Any

from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint
from segue_gateway.lanes import Lanes, Place

KILLED_BY = dict.fromkeys(("segue-ws", "openai-ws"), ("lanes.lanes_run_side_by_side",))


class _Lanes(Lanes):
    def reserve(self, lane: str | None) -> Place:
        """Return a place in the one queue; the named lane is only noted."""
        self.check(lane)
        self._lanes.setdefault(lane, deque())
        return super().reserve(None)


class _Connection(Connection):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.lanes.__class__ = _Lanes


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for lanes side by side."""

    connection_type = _Connection
