"""Opens more lanes on a connection than it declares."""

from __future__ import annotations

from typing import Any

from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint

KILLED_BY = {"segue-ws": ("lanes.too_many_lanes",), "openai-ws": ("responses_lanes.how_many_lanes",)}


class _Connection(Connection):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.lanes.named = 10_000


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the number of lanes."""

    connection_type = _Connection
