"""Deletes a continuation and leaves the record of its turn readable."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Store
from segue_gateway.stores.memory import MemoryStore

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("deletion.record_goes_and_name_stays",))


class _Store(MemoryStore):
    deleting = False

    async def delete(
        self, principal: str, identifier: str, scope: str | None, *, descendants: bool = False
    ) -> list[str] | None:
        self.deleting = True
        try:
            return await super().delete(principal, identifier, scope, descendants=descendants)
        finally:
            self.deleting = False

    def _drop_record(self, principal: str, turn: str, serial: int) -> None:
        if not self.deleting:
            super()._drop_record(principal, turn, serial)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for records of what is deleted."""

    def make_store(self) -> Store:
        """Return the store with the fault."""
        return _Store(self.bounds(), self.clock)
