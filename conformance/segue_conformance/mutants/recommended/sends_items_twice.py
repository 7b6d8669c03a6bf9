"""Sends each item once more when it is whole."""

from __future__ import annotations

from msgspec import Raw
from msgspec.structs import replace
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading
from segue_gateway.stores.base import Event
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("recommended.items_are_not_sent_twice",))


class _Reading(Reading):
    def deliver(self, event: Event) -> models.ServerMessage | None:
        if isinstance(event, models.ItemCompleted) and not isinstance(event.item, Raw):
            return replace(event, item=Raw(self._whole(event.index)))
        return super().deliver(event)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for items that deltas rebuild."""

    reading_type = _Reading
