"""Runs all turns of a lane at once when their connection is lost."""

from __future__ import annotations

from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint
from segue_gateway.states import State

KILLED_BY = {"segue-ws": ("endings.order_outlives_the_connection",)}


class _Connection(Connection):
    async def lost(self) -> None:
        await super().lost()
        for turn in list(self.endpoint.running.values()):
            if turn.state is State.QUEUED:
                self.endpoint.spawn(turn.run())


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for lanes whose connection is lost."""

    connection_type = _Connection
