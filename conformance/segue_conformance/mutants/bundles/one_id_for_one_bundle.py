"""Gives a bundle that is imported again the id of its first import."""

from __future__ import annotations

from typing import Any

from segue_gateway.acceptance import Caller
from segue_gateway.contexts import Context
from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_gateway.stores.base import Held
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("bundles.each_import_has_its_own_id",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for a second import."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.imported: dict[str, Held] = {}

    async def keep(self, caller: Caller, history: History, context: Context, retention: models.Retention) -> Held:
        """Hold a history once."""
        if history.digest not in self.imported:
            self.imported[history.digest] = await super().keep(caller, history, context, retention)
        return self.imported[history.digest]
