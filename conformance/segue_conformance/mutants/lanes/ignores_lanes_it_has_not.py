"""Offers no lanes, and takes a turn that names one."""

from __future__ import annotations

import msgspec
from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_schemas import models

KILLED_BY = {"segue-ws": ("lanes.lanes_not_offered",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint without lanes, but for the refusal."""

    def features(self, wire: str | None = None) -> list[str]:
        """Return the features, without lanes."""
        return [feature for feature in super().features(wire) if feature != "lanes"]

    def check_offered(self, caller: Caller, start: models.TurnStart) -> None:
        """Look at anything but the lane."""
        super().check_offered(caller, msgspec.structs.replace(start, lane=msgspec.UNSET))
