"""Grants a cached handle where a durable one was asked for, which it does not offer."""

from __future__ import annotations

from segue_adapters.wires.base import Refuse
from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("retention.other_tiers_are_refused",))
ALSO = {
    "refusals.first_fault_first": "one of its faults is a tier",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for tiers that it has not."""

    def grant(self, caller: Caller, start: models.TurnStart) -> models.Retention:
        """Return the next best tier."""
        try:
            return super().grant(caller, start)
        except Refuse:
            return "cached"
