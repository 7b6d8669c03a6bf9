"""Takes a resume behind a number on a connection that reads the turn."""

from __future__ import annotations

from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint
from segue_schemas import models

KILLED_BY = {"segue-ws": ("readings.resume_where_the_turn_is_read",)}


class _Connection(Connection):
    async def resume(self, message: models.TurnResume) -> None:
        """Begin where the client asks."""
        self.read(await self.endpoint.resume(self, message))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what a resume may ask for."""

    connection_type = _Connection
