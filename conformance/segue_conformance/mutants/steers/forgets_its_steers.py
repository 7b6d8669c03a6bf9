"""Takes a repeated steer for a new one."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_gateway.steers import Steer

KILLED_BY = {"segue-ws": ("steers.repeat_gets_its_answer",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for repeated steers."""

    def known_steer(self, principal: str, source: Source, name: str) -> Steer | None:
        """Know none."""
        return None
