"""Ends the turns that run when a connection drains."""

from __future__ import annotations

from segue_gateway.connection import Connection
from segue_gateway.states import Cause

from ..references import ShortLived

KILLED_BY = {"segue-ws": ("endings.turns_outlive_the_notice",)}


class _Connection(Connection):
    async def drain(self, reason: str, close_in_ms: int, *, elsewhere: bool) -> None:
        await super().drain(reason, close_in_ms, elsewhere=elsewhere)
        for turn in list(self.endpoint.running.values()):
            turn.interrupt(Cause.INTERRUPTION)


class MutantEndpoint(ShortLived):
    """The reference endpoint, but for turns that run when it drains."""

    connection_type = _Connection
