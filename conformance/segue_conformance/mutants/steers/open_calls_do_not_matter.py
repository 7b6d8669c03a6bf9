"""Lets a steer enter behind a call that nobody has answered."""

from __future__ import annotations

from dataclasses import replace

from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_gateway.turns import Turn

KILLED_BY = {"segue-ws": ("steers.answered_before_the_end",)}
ALSO = {
    "continuation.open_calls_must_be_answered": "the same rule, for a turn",
}


class _Turn(Turn):
    def history(self) -> History:
        return replace(super().history(), open=frozenset())


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for open calls."""

    turn_type = _Turn
