"""Ends a second reading of a turn that is not kept when the turn ends."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading
from segue_gateway.refusals import events_gone
from segue_gateway.stores.base import Event
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("limits.unkept_turn_is_read_to_its_end",))


class _Reading(Reading):
    def deliver(self, event: Event) -> models.ServerMessage | None:
        first = self.source.events[0]
        unkept = isinstance(first, models.TurnAccepted) and first.retention == "none"
        if self.replayed and unkept and isinstance(event, models.TurnCompleted):
            gone = events_gone(self.source.name).message
            gone.turn = self.source.name
            return gone
        return super().deliver(event)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for readings of what is not kept."""

    reading_type = _Reading
