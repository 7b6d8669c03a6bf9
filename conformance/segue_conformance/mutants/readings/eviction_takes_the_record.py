"""Frees the record of a turn together with a continuation that it gives up."""

from __future__ import annotations

from segue_gateway.stores.base import Store
from segue_gateway.stores.memory import MemoryStore

from ..references import Small
from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("readings.record_outlives_its_handle",))
ALSO = {
    "history.long_chain": "a store this small gives the beginning of the chain up",
}


class _Store(MemoryStore):
    def _remove(self, principal: str, identifier: str) -> None:
        kept = self._handles.get((principal, identifier))
        super()._remove(principal, identifier)
        found = None if kept is None else self._turn(principal, kept.handle.turn)
        if kept is not None and found is not None:
            self._drop_record(principal, kept.handle.turn, found.serial)


class MutantEndpoint(Small):
    """The reference endpoint, but for what an eviction takes along."""

    def make_store(self) -> Store:
        """Return the store with the fault."""
        return _Store(self.bounds(), self.clock)
