"""Issues a handle for which there is no room."""

from __future__ import annotations

from collections.abc import Sequence

from segue_gateway.stores.base import Event, Handle, RetentionLost, Store
from segue_gateway.stores.memory import MemoryStore
from segue_schemas import models

from ..references import Small

KILLED_BY = {"segue-ws": ("limits.full_store",)}
ALSO = {
    "deletion.running_descendant_loses_its_handle": "there is no room for the handle either",
    "history.long_chain": "a handle of the chain is one that there was no room for",
}


class _Store(MemoryStore):
    async def finish(
        self,
        principal: str,
        turn: str,
        epoch: int,
        terminal: models.TurnCompleted | models.TurnFailed,
        handle: Handle | None,
        before: Sequence[Event] = (),
    ) -> float | None:
        try:
            return await super().finish(principal, turn, epoch, terminal, handle, before)
        except RetentionLost:
            return await super().finish(principal, turn, epoch, terminal, None, before)


class MutantEndpoint(Small):
    """The reference endpoint, but for handles beyond its bound."""

    def make_store(self) -> Store:
        """Return the store with the fault."""
        return _Store(self.bounds(), self.clock)
