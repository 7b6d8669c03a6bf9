"""Holds for a connection only the last turn of a history, not what came before."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.history import EMPTY, History, grow
from segue_gateway.turns import Turn

KILLED_BY = dict.fromkeys(("segue-ws", "openai-ws"), ("retention.connection_handle_on_its_connection",))
ALSO = {
    "responses_lanes.each_lane_remembers": "what a lane remembers is held for its connection",
}


class _Turn(Turn):
    def history(self) -> History:
        parent = EMPTY if self.plan.retention == "connection" else self.plan.parent
        return grow(parent, self.plan.inputs, self.output.items())


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what a connection holds."""

    turn_type = _Turn
