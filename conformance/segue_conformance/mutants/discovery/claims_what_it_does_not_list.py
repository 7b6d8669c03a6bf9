"""Lists under `claimed_only` what it does not offer."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("discovery.document_is_consistent",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for a claim."""

    def capabilities(self, wire: str | None = None) -> models.Capabilities:
        """Return what is offered, and claim more."""
        told = super().capabilities(wire)
        told.claimed_only = ["vendor:zero_data_retention"]
        return told
