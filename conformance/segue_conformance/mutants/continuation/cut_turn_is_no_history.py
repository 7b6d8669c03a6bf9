"""Keeps no continuation of a turn whose output was cut."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.states import Cause
from segue_gateway.turns import Turn
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("continuation.cut_turn_has_a_handle",))


class _Turn(Turn):
    async def conclude(self, cause: Cause, reason: str | None = None, error: models.Error | None = None) -> None:
        self.keep = self.keep and cause is not Cause.CUT
        await super().conclude(cause, reason, error)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what a cut leaves."""

    turn_type = _Turn
