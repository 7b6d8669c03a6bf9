"""Runs in a lane the newest of those that wait."""

from __future__ import annotations

from collections import deque
from typing import Any

from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint
from segue_gateway.lanes import Lanes, Place

KILLED_BY = {"openai-ws": ("responses_lanes.first_come_first_served",)}


class _Lanes(Lanes):
    def enter(self, places: deque[Place]) -> Place:
        """Put a new place right behind the one that runs."""
        place = Place()
        places.insert(1, place)
        return place


class _Connection(Connection):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.lanes.__class__ = _Lanes


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for whose turn it is."""

    connection_type = _Connection
