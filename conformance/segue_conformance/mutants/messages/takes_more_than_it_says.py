"""Takes messages that are larger than it declares."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("messages.oversized", "bodies.swelling_message_refused"))
ALSO = {
    "recommended.limit_is_told": "what is too large is taken",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the size that it declares."""

    def limits(self) -> models.Limits:
        """Declare half of what is taken."""
        told = super().limits()
        told.message_bytes //= 2
        return told
