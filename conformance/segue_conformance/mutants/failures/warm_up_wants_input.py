"""Refuses a warm-up without input."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.refusals import invalid_request
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("failures.empty_input",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for empty input."""

    def check_offered(self, caller: Caller, start: models.TurnStart) -> None:
        """Want an item at least."""
        super().check_offered(caller, start)
        if not start.input and start.generate is False:
            raise invalid_request("Send an item at least.", "input")
