"""Takes no notice of the history that a turn expects."""

from __future__ import annotations

from segue_gateway.contexts import Context
from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("resume.expectation",))
ALSO = {
    "refusals.first_fault_first": "one of its faults is an expectation",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for expectations."""

    def check_expectation(self, start: models.TurnStart, parent: History, context: Context) -> None:
        """Compare nothing."""
