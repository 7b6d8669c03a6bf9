"""Refuses a create whose lane is busy, though other lanes run meanwhile."""

from __future__ import annotations

from typing import Any

from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint

KILLED_BY = {"openai-ws": ("responses_lanes.busy_lane_is_waited_for",)}
ALSO = {
    "observability.timing_counts_the_wait": "its second turn has to wait",
}


class _Connection(Connection):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.lanes.queue = 0


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for waiting in a lane."""

    connection_type = _Connection
