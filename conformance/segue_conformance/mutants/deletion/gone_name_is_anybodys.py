"""Lets a name whose record is gone be claimed by a turn of other content."""

from __future__ import annotations

from collections.abc import Sequence

from segue_gateway.contexts import Context
from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Claim, Known, Store
from segue_gateway.stores.memory import MemoryStore
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("deletion.record_goes_and_name_stays",))


class _Store(MemoryStore):
    async def known(self, principal: str, turn: str) -> Known | None:
        known = await super().known(principal, turn)
        return None if known is None or known.gone else known

    async def claim(
        self, principal: str, turn: str, content: str, accepted: models.TurnAccepted, contexts: Sequence[Context]
    ) -> Claim:
        found = self._turn(principal, turn)
        if found is not None and found.events is None and found.content != content:
            self._drop_name(principal, turn, found.serial)
        return await super().claim(principal, turn, content, accepted, contexts)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for names that are kept."""

    def make_store(self) -> Store:
        """Return the store with the fault."""
        return _Store(self.bounds(), self.clock)
