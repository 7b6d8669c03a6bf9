"""Holds the name of a turn that it refused."""

from __future__ import annotations

from typing import Any

from segue_adapters.wires.base import Refuse
from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Source
from segue_gateway.refusals import turn_conflict
from segue_gateway.turns import Turn
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("resume.refusal_claims_no_name",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for names that were refused."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.refused: set[tuple[str, str]] = set()

    async def accept(self, caller: Caller, start: models.TurnStart) -> tuple[Source, Turn | None]:
        """Accept a turn whose name was never refused."""
        if (caller.principal, start.turn) in self.refused:
            raise turn_conflict(start.turn)
        try:
            return await super().accept(caller, start)
        except Refuse:
            self.refused.add((caller.principal, start.turn))
            raise
