"""Refuses messages of the size that it declares."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("messages.just_small_enough",))
ALSO = {
    "recommended.limit_is_told": "the limit that is told is not the one that is declared",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the size that it declares."""

    def limits(self) -> models.Limits:
        """Declare more than is taken."""
        told = super().limits()
        told.message_bytes = told.message_bytes * 5 // 4
        return told
