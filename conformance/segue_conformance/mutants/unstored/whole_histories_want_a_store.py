"""Fails turns of more than one item that are answered whole and not stored."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.refusals import not_offered
from segue_schemas import models

KILLED_BY = {"segue-http": ("unstored.resent_history_in_a_whole_answer",)}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for whole answers to whole histories."""

    def check_offered(self, caller: Caller, start: models.TurnStart) -> None:
        """Take them where something is stored."""
        super().check_offered(caller, start)
        whole = isinstance(start.delivery, models.Delivery) and start.delivery.mode == "final"
        if whole and start.retention == "none" and len(start.input) > 1:
            raise not_offered("A whole history that is not stored", "retention")
