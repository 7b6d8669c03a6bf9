"""Issues a handle to a turn that ran while its ancestor was deleted with all descendants."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_gateway.stores.base import Store
from segue_gateway.stores.memory import MemoryStore
from segue_gateway.stores.tree import Tree

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("deletion.running_descendant_loses_its_handle",))


class _Tree(Tree):
    def condemned(self, history: History) -> bool:
        return False


class _Store(MemoryStore):
    def hang(self) -> _Store:
        self._tree = _Tree()
        return self


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for descendants that run."""

    def make_store(self) -> Store:
        """Return the store with the fault."""
        return _Store(self.bounds(), self.clock).hang()
