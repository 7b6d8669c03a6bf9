"""Runs the turns of one lane side by side."""

from __future__ import annotations

from collections import deque
from typing import Any

from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint
from segue_gateway.lanes import Lanes, Place

KILLED_BY = {"segue-ws": ("lanes.one_lane_is_in_order",), "openai-ws": ("lanes.one_lane_is_in_order",)}
ALSO = {
    "lanes.*": "turns that do not wait fill no lane and open none",
    "observability.timing_counts_the_wait": "nothing waits",
    "responses_lanes.how_many_lanes": "lanes are not counted",
    "turns.second_turn_in_flight": "the short turn ends first",
    "wire_openai_ws.one_after_the_other": "the second response begins at once",
}


class _Lanes(Lanes):
    def reserve(self, lane: str | None) -> Place:
        """Return a place in a lane of its own."""
        place = Place()
        self._spawn(self._serve(deque([place])))
        return place


class _Connection(Connection):
    def __init__(self, endpoint: Endpoint, *more: Any) -> None:
        super().__init__(endpoint, *more)
        settings = endpoint.settings
        self.lanes = _Lanes(
            named=settings.lanes,
            queue=settings.lane_queue,
            in_flight=settings.turns_in_flight,
            spawn=endpoint.spawn,
        )


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for order."""

    connection_type = _Connection
