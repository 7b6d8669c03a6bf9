"""Sends another text in the whole item than it streamed."""

from __future__ import annotations

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.readings import Reading
from segue_gateway.stores.base import Event
from segue_schemas import models

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("items.deltas_rebuild_the_item",))
ALSO = {
    "bundles.export_is_whole": "the export has the text that was streamed",
    "lanes.cut_text_stays": "the text of a cut item is compared as well",
    "resume.digests_agree": "the digest is that of the text that was streamed",
    "responses_events.copies_equal_deltas": "the whole item is a copy",
    "stored_responses.read_is_what_was_answered": "what is stored is the text that was streamed",
    "steers.enters_between_items": "the history behind the steer has the text that was streamed",
}


class _Reading(Reading):
    def deliver(self, event: Event) -> models.ServerMessage | None:
        told = super().deliver(event)
        if not isinstance(told, models.ItemCompleted):
            return told
        item = msgspec.json.decode(self._whole(told.index))
        for part in item.get("content", []):
            part["text"] = "something else"
        return msgspec.structs.replace(told, item=msgspec.Raw(msgspec.json.encode(item)))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for whole items."""

    reading_type = _Reading
