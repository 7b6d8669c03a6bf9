"""Deletes a continuation for whoever names it."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_schemas import models

from .. import KEYS
from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("isolation.foreign_delete",))
ALSO = {
    "deletion.running_descendant_loses_its_handle": "descendants are not deleted here",
    "retention.descendants_can_go_too": "descendants are not deleted here",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for who may delete."""

    async def delete(self, caller: Caller, message: models.ContinuationDelete) -> models.ContinuationDeleted:
        """Delete it, whoever made it."""
        for principal in KEYS:
            gone = await self.store.delete(principal, message.id, caller.scope)
            if gone is not None:
                return models.ContinuationDeleted(ref=message.ref, id=message.id, count=len(gone))
        return await super().delete(caller, message)
