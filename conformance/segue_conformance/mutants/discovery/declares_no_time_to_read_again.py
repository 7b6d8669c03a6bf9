"""Declares that a turn can be read again, for no time at all."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("discovery.document_is_consistent",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for a limit that makes a promise empty."""

    def limits(self) -> models.Limits:
        """Return limits by which a record is gone with its turn."""
        limits = super().limits()
        limits.replay_ms = 0
        return limits
