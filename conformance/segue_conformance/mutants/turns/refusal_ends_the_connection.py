"""Closes the connection behind a turn that it refuses."""

from __future__ import annotations

from segue_adapters.wires.base import Refuse
from segue_gateway.acceptance import Caller
from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_gateway.refusals import named
from segue_gateway.turns import Turn
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "openai-ws"), ("turns.refusal_leaves_connection",))
ALSO = {
    "*": "it goes on behind a refusal on the same connection",
}


class _Connection(Connection):
    async def handle(self, message: models.ClientMessage) -> None:
        """Act on a message; close behind the refusal of a turn."""
        try:
            await self.act(message)
        except Refuse as refused:
            await self.deliver(named(refused, message).message)
            if refused.close is not None:
                await self.hang_up(refused.close)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for connections behind a refusal."""

    connection_type = _Connection

    async def accept(self, caller: Caller, start: models.TurnStart) -> tuple[Source, Turn | None]:
        """Accept a turn, or close."""
        try:
            return await super().accept(caller, start)
        except Refuse as refused:
            refused.close = 1008
            raise
