"""Lists a feature for a wire that the endpoint does not offer."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("discovery.document_is_consistent",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the features of a wire."""

    def discovery(self, prefix: str = "") -> models.Discovery:
        """Return the document with a feature too many."""
        told = super().discovery(prefix)
        for binding in told.bindings:
            if binding.wire == "openai-http":
                binding.features = [*(binding.features or ()), "overlay"]
        return told
