"""Refuses a turn over HTTP that names a lane."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.refusals import not_offered
from segue_schemas import models

KILLED_BY = {"segue-http": ("lanes.lane_over_http",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for lanes over HTTP."""

    def check_offered(self, caller: Caller, start: models.TurnStart) -> None:
        """Refuse what has no place on the wire."""
        super().check_offered(caller, start)
        if caller.wire == "segue-http" and isinstance(start.lane, str):
            raise not_offered("A `lane`", "lane")
