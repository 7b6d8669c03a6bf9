"""Tells more time left of a continuation than when it was issued."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("retention.expiry_counts_down",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the time that is left."""

    async def get(self, caller: Caller, message: models.ContinuationGet) -> models.ContinuationInfo:
        """Tell a minute more."""
        told = await super().get(caller, message)
        if isinstance(told.continuation.expires_in_ms, int):
            told.continuation.expires_in_ms += 60_000
        return told
