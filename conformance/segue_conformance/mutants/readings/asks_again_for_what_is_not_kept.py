"""Answers a turn of retention none before its end."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source

KILLED_BY = {
    "segue-http": ("readings.unkept_turn_is_answered_whole", "readings.unkept_steer_is_answered_for_good"),
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for answers that can't wait."""

    def may_ask_again(self, source: Source) -> bool:
        """Return that the end can be read later."""
        return True
