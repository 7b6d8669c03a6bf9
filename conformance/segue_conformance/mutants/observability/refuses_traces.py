"""Refuses a turn that bears a trace."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.refusals import invalid_request
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("observability.trace_is_accepted",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for traces."""

    def check_offered(self, caller: Caller, start: models.TurnStart) -> None:
        """Take a trace for a mistake."""
        super().check_offered(caller, start)
        if isinstance(start.trace, models.Trace):
            raise invalid_request("No trace is taken here.", "trace")
