"""Lets the model write in a warm-up."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http", "openai-ws"), ("liveness.warm_up_says_nothing",))


class _Turn(Turn):
    def generates(self) -> bool:
        return True


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for warm-ups."""

    turn_type = _Turn
