"""Makes of a bundle a continuation that says its digest and holds nothing."""

from __future__ import annotations

from dataclasses import replace

from segue_gateway.acceptance import Caller
from segue_gateway.contexts import Context
from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_gateway.stores.base import Held
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("bundles.import_is_a_continuation",))
ALSO = {
    "refusals.unreadable_compaction_in_the_history": "the compaction is lost with the rest",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what an import holds."""

    async def keep(self, caller: Caller, history: History, context: Context, retention: models.Retention) -> Held:
        """Hold an empty history under the right digest."""
        return await super().keep(caller, replace(history, items=(), inputs=0), context, retention)
