"""Answers a steer that is too late behind the end of the turn."""

from __future__ import annotations

import asyncio

from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint
from segue_gateway.steers import Steer
from segue_schemas import models

KILLED_BY = {"segue-ws": ("steers.answered_before_the_end",)}


class _Connection(Connection):
    async def _deliver_in_order(self, message: models.ServerMessage) -> None:
        await self.deliver(message)

    async def _answer(self, steer: Steer, *, ending: bool = False) -> None:
        await asyncio.sleep(0.05)
        await super()._answer(steer, ending=ending)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the order of two answers."""

    connection_type = _Connection
