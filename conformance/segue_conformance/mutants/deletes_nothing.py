"""Answers a delete with "deleted" and keeps the handle."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http", "openai-http"), ("retention.deleted_handle_is_gone",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for deletes."""

    async def delete(self, caller: Caller, message: models.ContinuationDelete) -> models.ContinuationDeleted:
        """Say that it is gone."""
        await self.held(caller, message.id)
        return models.ContinuationDeleted(ref=message.ref, id=message.id, count=1)
