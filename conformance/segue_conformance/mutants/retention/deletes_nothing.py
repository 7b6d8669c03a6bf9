"""Answers a delete with "deleted" and keeps the handle."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.stores.base import Store
from segue_gateway.stores.memory import MemoryStore

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http", "openai-http"), ("retention.deleted_handle_is_gone",))
ALSO = {
    "deletion.*": "nothing is deleted",
    "retention.descendants_can_go_too": "nothing is deleted",
    "stored_responses.deleted_is_gone": "nothing is deleted",
}


class _Store(MemoryStore):
    async def delete(
        self, principal: str, identifier: str, scope: str | None, *, descendants: bool = False
    ) -> list[str] | None:
        held = await self.resolve(principal, identifier, scope)
        return None if held is None else [identifier]


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for deletes."""

    def make_store(self) -> Store:
        """Return a store that deletes nothing."""
        return _Store(self.bounds(), self.clock)
