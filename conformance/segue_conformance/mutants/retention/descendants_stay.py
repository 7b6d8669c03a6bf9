"""Deletes a continuation alone where its descendants were to go with it."""

from __future__ import annotations

import msgspec
from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("retention.descendants_can_go_too",))
ALSO = {
    "deletion.running_descendant_loses_its_handle": "a running descendant stays as well",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for descendants."""

    async def delete(self, caller: Caller, message: models.ContinuationDelete) -> models.ContinuationDeleted:
        """Delete the one that is named."""
        return await super().delete(caller, msgspec.structs.replace(message, descendants=msgspec.UNSET))
