"""Ends a turn when somebody asks for a number that it has not."""

from __future__ import annotations

from segue_adapters.wires.base import Refuse
from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading
from segue_gateway.states import Cause
from segue_schemas import models

KILLED_BY = {"segue-ws": ("names.refused_resume_changes_nothing",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what a refused resume touches."""

    async def resume(self, caller: Caller, message: models.TurnResume) -> Reading:
        """Read a turn; where that is refused it fails."""
        try:
            return await super().resume(caller, message)
        except Refuse:
            for turn in list(self.running.values()):
                turn.interrupt(Cause.INTERRUPTION)
            raise
