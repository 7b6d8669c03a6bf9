"""Forgets with a continuation the name of its turn: a repeat runs again."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Store
from segue_gateway.stores.memory import MemoryStore

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("deletion.record_goes_and_name_stays",))


class _Store(MemoryStore):
    def _drop_record(self, principal: str, turn: str, serial: int) -> None:
        super()._drop_record(principal, turn, serial)
        self._drop_name(principal, turn, serial)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for bare names."""

    def make_store(self) -> Store:
        """Return the store with the fault."""
        return _Store(self.bounds(), self.clock)
