"""Ends a turn when the connection that started it is lost."""

from __future__ import annotations

from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint
from segue_gateway.states import Cause

KILLED_BY = {"segue-ws": ("resume.cut_and_resume",)}
ALSO = {
    "readings.connection_that_ends_first": "its turn outlives a connection",
}


class _Connection(Connection):
    async def lost(self) -> None:
        """End what was started here."""
        for turn in list(self.endpoint.running.values()):
            if turn.name in self._placed:
                turn.interrupt(Cause.INTERRUPTION)
        await super().lost()


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for turns that outlive their connection."""

    connection_type = _Connection
