"""Grants a handle of retention connection as a cached one, and says so."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_schemas import models

KILLED_BY = {"segue-ws": ("retention.each_tier_is_granted",)}
ALSO = {
    "retention.connection_handle_ends_with_it": "the cached handle is good on the next connection",
    "warm_up.unstored_ends_with_its_connection": "the cached handle is good on the next connection",
    "readings.connection_that_ends_first": "its handle has to end with a connection",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for one tier."""

    def grant(self, caller: Caller, start: models.TurnStart) -> models.Retention:
        """Return another tier than was asked for."""
        granted = super().grant(caller, start)
        return "cached" if granted == "connection" and caller.wire == "segue-ws" else granted
