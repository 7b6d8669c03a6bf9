"""Gives up the turn that runs for one that arrives behind it."""

from __future__ import annotations

from segue_gateway.connection import Connection
from segue_gateway.endpoint import Endpoint
from segue_gateway.lanes import Place
from segue_gateway.states import Cause
from segue_schemas import models

KILLED_BY = {"segue-ws": ("turns.second_turn_in_flight",)}
ALSO = {
    "lanes.full_lane": "what waits is given up for what comes behind it",
    "observability.timing_counts_the_wait": "what runs is given up, so that nothing waits",
}


class _Connection(Connection):
    def place(self, start: models.TurnStart) -> Place:
        """Return a place in the lane, and end what runs in it."""
        for turn in list(self.endpoint.running.values()):
            if turn.plan.scope == self.scope and turn.plan.start.lane == start.lane and turn.name != start.turn:
                turn.interrupt(Cause.INTERRUPTION)
        return super().place(start)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for two turns in flight."""

    connection_type = _Connection
