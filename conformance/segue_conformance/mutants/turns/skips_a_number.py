"""Skips a sequence number: one delta in the middle is never delivered."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading
from segue_gateway.stores.base import Event
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("turns.numbers_rise",))
ALSO = {
    "stored_responses.read_is_what_was_answered": "what is read is the answer without a gap",
    "bundles.export_is_whole": "the items that the client builds lack a delta",
    "resume.digests_agree": "the items that the client builds lack a delta",
    "steers.enters_between_items": "the history behind a steer lacks a delta",
}


class _Reading(Reading):
    def deliver(self, event: Event) -> models.ServerMessage | None:
        return None if isinstance(event, models.ItemDelta) and event.seq == 5 else super().deliver(event)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for one number."""

    reading_type = _Reading
