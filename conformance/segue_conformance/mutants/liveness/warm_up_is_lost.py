"""Loses the input of a warm-up: its handle stands for nothing."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_gateway.turns import Turn

KILLED_BY = dict.fromkeys(
    ("segue-ws", "segue-http", "openai-ws"),
    ("liveness.warm_up_is_history", "warm_up.in_a_chain", "warm_up.is_gone_on_from_twice"),
)
ALSO = {
    "resume.*": "it reads digests of warm-ups",
    "warm_up.*": "it goes on from a warm-up",
    "resend.history_in_parts": "a part of a full resend is a warm-up",
}


class _Turn(Turn):
    def history(self) -> History:
        return super().history() if self.generates() else self.plan.parent


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what a warm-up leaves."""

    turn_type = _Turn
