"""Tells, when a record is read again, what was left of its continuation at first."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("names.durations_are_reckoned_anew",))


class _Reading(Reading):
    def with_time_left(self, event: models.TurnCompleted) -> models.TurnCompleted:
        return event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for durations."""

    reading_type = _Reading
