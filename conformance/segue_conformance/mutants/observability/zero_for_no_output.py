"""Sends 0 as the time of the first output of a turn that has none."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("observability.timing_says_what_happened",))


class _Turn(Turn):
    def timing(self) -> models.Timing:
        told = super().timing()
        told.first_output_ms = told.first_output_ms or 0
        return told


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for times of what did not happen."""

    turn_type = _Turn
