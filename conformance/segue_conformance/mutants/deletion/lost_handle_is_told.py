"""Names a continuation with a turn whose retention is lost."""

from __future__ import annotations

from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("deletion.running_descendant_loses_its_handle",))
ALSO = {
    "readings.connection_that_ends_first": "its handle has to end with a connection",
}


class _Turn(Turn):
    def completed(self, *args: Any, **kwargs: Any) -> models.TurnCompleted:
        event = super().completed(*args, **kwargs)
        if event.reason == "retention_lost":
            event.continuation = models.Continuation(
                id=self.plan.continuation, retention=self.plan.retention, digest=event.digest, length=event.length
            )
            event.continuation.context = self.plan.context.digest
        return event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for handles that it could not keep."""

    turn_type = _Turn
