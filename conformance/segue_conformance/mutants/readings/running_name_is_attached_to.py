"""Takes a start of a running turn's name for a repeat, though it offers no resume."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_schemas import models

from ..references import Fleeting
from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("readings.running_name_without_resume",))


class MutantEndpoint(Fleeting):
    """The reference endpoint without resume, but for names that are in use."""

    def check_repeatable(self, caller: Caller, start: models.TurnStart) -> None:
        """Refuse nothing."""
