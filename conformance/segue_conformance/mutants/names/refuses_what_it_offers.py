"""Refuses a turn that requires a feature which is offered."""

from __future__ import annotations

from segue_gateway.acceptance import Caller
from segue_gateway.endpoint import Endpoint
from segue_gateway.refusals import not_offered
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("names.offered_features_may_be_required",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for one feature that is required."""

    def check_offered(self, caller: Caller, start: models.TurnStart) -> None:
        """Know nothing of `final`."""
        super().check_offered(caller, start)
        if "final" in (start.require or ()):
            raise not_offered("The feature 'final'", "require")
