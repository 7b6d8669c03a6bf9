"""Refuses an item with a member that it does not know."""

from __future__ import annotations

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.items import Item
from segue_gateway.refusals import invalid_request
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("items.unknown_members_are_ignored",))
ALSO = {
    "resume.canonical_forms": "it sends a member that stays out of the digest",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for members of others."""

    async def read_input(self, start: models.TurnStart) -> list[Item]:
        """Refuse a message with more than the members of a message."""
        for place, raw in enumerate(start.input):
            item = msgspec.json.decode(raw)
            if item.get("type") == "message" and item.keys() - {"type", "role", "content", "id", "status", "phase"}:
                raise invalid_request("An item has a member that is not known.", f"input/{place}")
        return await super().read_input(start)
