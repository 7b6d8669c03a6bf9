"""Takes room for one principal from all of them."""

from __future__ import annotations

from collections.abc import Callable

from segue_gateway.stores.base import Store
from segue_gateway.stores.memory import MemoryStore

from ..references import Small
from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("limits.eviction_stays_at_home",))
ALSO = {
    "history.long_chain": "a store this small gives the beginning of the chain up",
}


class _Store(MemoryStore):
    def _make_room(self, principal: str, weight: Callable[[], int], *, continuations: int = 0) -> bool:
        owner = self._principals[principal]
        if len(owner.used) + continuations > self.bounds.continuations:
            for other, account in list(self._principals.items()):
                if other != principal and account.used:
                    self._remove(other, next(reversed(account.used)))
        return super()._make_room(principal, weight, continuations=continuations)


class MutantEndpoint(Small):
    """The reference endpoint, but for whom it evicts from."""

    def make_store(self) -> Store:
        """Return the store with the fault."""
        return _Store(self.bounds(), self.clock)
