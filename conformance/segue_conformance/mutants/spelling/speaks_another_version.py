"""Says in `welcome` that it speaks another major version than was agreed on."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_schemas import models

KILLED_BY = {"segue-ws": ("spelling.welcome_names_its_version",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for its version."""

    def welcome(self, expires_in_ms: int, wire: str = "segue-ws") -> models.Welcome:
        """Return a welcome of the next version."""
        told = super().welcome(expires_in_ms, wire)
        told.protocol = "2.0"
        return told
