"""Names an address in the discovery document at which nothing is served."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("discovery.bindings_answer",))
ALSO = {
    "turns.plain_turn@segue-http": "the client looks for the wire where the document says that it is",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for an address."""

    def discovery(self, prefix: str = "") -> models.Discovery:
        """Return the document with an address of yesterday."""
        told = super().discovery(prefix)
        for binding in told.bindings:
            if binding.wire == "segue-http":
                binding.url += "0"
        return told
