"""Looks at what it does not offer behind the name of a turn."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("refusals.first_fault_first",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for the order of two refusals."""

    def check_offered(self, caller: Caller, start: models.TurnStart) -> None:
        """Look later."""

    def grant(self, caller: Caller, start: models.TurnStart) -> models.Retention:
        """Look at features before retention."""
        super().check_offered(caller, start)
        return super().grant(caller, start)
