"""Has no place for the next one, where three in a row vanished in mid-turn."""

from __future__ import annotations

from typing import Any

from segue_gateway import refusals
from segue_gateway.acceptance import Caller
from segue_gateway.readings import Source
from segue_gateway.turns import Turn
from segue_schemas import models

from ..wire_fault import OPENAI, WireFault

KILLED_BY = dict.fromkeys(OPENAI, ("lost_connections.vanished_in_an_answer",))


class MutantEndpoint(WireFault):
    """The reference endpoint, but for the places of those that are gone."""

    wires = OPENAI

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gone = 0

    def ended(self, turn: Turn) -> None:
        """Count the turns in a row that nobody read to their end."""
        super().ended(turn)
        self.gone = 0 if turn.keep else self.gone + 1

    async def accept(self, caller: Caller, start: models.TurnStart) -> tuple[Source, Turn | None]:
        """Accept a turn where there is a place."""
        if self.gone >= 3 and caller.wire in OPENAI:
            self.gone = 0
            raise refusals.invalid_request("No place is free.")
        return await super().accept(caller, start)
