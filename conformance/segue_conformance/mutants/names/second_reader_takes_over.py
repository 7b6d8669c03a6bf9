"""Ends the reading of one connection when another one begins to read the turn."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading
from segue_schemas import models

KILLED_BY = {"segue-ws": ("names.two_readers",)}
ALSO = {
    "limits.unkept_turn_is_read_to_its_end": "its turn has two readers",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for two readers."""

    async def resume(self, caller: Caller, message: models.TurnResume) -> Reading:
        """Give the turn to whoever asks last."""
        reading = await super().resume(caller, message)
        for connection in self.connections:
            if connection is not caller and (older := connection._readings.pop(message.turn, None)) is not None:
                older.cancel()
        return reading
