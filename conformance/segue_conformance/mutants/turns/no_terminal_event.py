"""Never sends the terminal event of a turn that completed."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading
from segue_gateway.stores.base import Event
from segue_schemas import models

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("turns.plain_turn",))


class _Reading(Reading):
    def deliver(self, event: Event) -> models.ServerMessage | None:
        return None if isinstance(event, models.TurnCompleted) else super().deliver(event)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for ends."""

    reading_type = _Reading
