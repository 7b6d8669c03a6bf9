"""Takes the items of a deleted continuation out of those that went on from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_gateway.stores.base import Held, Store
from segue_gateway.stores.memory import MemoryStore

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http", "openai-http"), ("retention.child_of_a_deleted_parent",))


class _Store(MemoryStore):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.deleted: set[int] = set()
        self.kept: list[History] = []

    async def delete(
        self, principal: str, identifier: str, scope: str | None, *, descendants: bool = False
    ) -> list[str] | None:
        held = await super().resolve(principal, identifier, scope)
        if held is not None:
            self.deleted.add(id(held.handle.history))
            self.kept.append(held.handle.history)
        return await super().delete(principal, identifier, scope, descendants=descendants)

    async def resolve(self, principal: str, identifier: str, scope: str | None) -> Held | None:
        held = await super().resolve(principal, identifier, scope)
        if held is None or id(held.handle.history.parent) not in self.deleted:
            return held
        return replace(held, handle=replace(held.handle, history=replace(held.handle.history, parent=None)))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what a delete leaves."""

    def make_store(self) -> Store:
        """Return a store whose histories have holes."""
        return _Store(self.bounds(), self.clock)
