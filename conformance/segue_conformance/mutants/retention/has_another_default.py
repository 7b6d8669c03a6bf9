"""Grants another tier by default than it declares."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_schemas import models

KILLED_BY = {"segue-ws": ("retention.default_tier",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the default."""

    def default_retention(self, wire: str) -> models.Retention:
        """Return the weakest tier that has a handle."""
        return "connection" if wire == "segue-ws" else super().default_retention(wire)
