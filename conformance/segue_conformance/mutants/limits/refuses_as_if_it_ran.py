"""Refuses a turn for which there is no room, and says that the model may have run."""

from __future__ import annotations

from segue_adapters.wires.base import refusal
from segue_gateway.acceptance import Caller
from segue_gateway.readings import Source
from segue_gateway.stores.memory import MemoryStore
from segue_gateway.turns import Turn
from segue_schemas import models

from ..references import Small

KILLED_BY = {"segue-ws": ("limits.full_store",)}


class MutantEndpoint(Small):
    """The reference endpoint, but for what a refusal says."""

    async def accept(self, caller: Caller, start: models.TurnStart) -> tuple[Source, Turn | None]:
        """Refuse what there is no room for."""
        assert isinstance(self.store, MemoryStore)
        if self.store.held(caller.principal)["continuations"] >= self.settings.continuations:
            raise refusal("quota_exceeded", "give_up", "No room is left for you.", effect="unknown")
        return await super().accept(caller, start)
