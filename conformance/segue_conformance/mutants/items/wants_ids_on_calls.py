"""Refuses a call of a tool without an id that a server made."""

from __future__ import annotations

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.items import Item
from segue_gateway.refusals import invalid_request
from segue_schemas import models

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("items.items_without_ids", "full_resend.tools_words"))
ALSO = {
    "resume.canonical_forms": "it sends a call without an id",
    "resend.history_in_parts": "a part holds a call without an id",
    "full_resend.open_call_in_the_middle": "its calls have no ids",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for calls without ids."""

    async def read_input(self, start: models.TurnStart) -> list[Item]:
        """Refuse calls without ids."""
        for place, raw in enumerate(start.input):
            item = msgspec.json.decode(raw)
            if isinstance(item, dict) and item.get("type") == "function_call" and not item.get("id"):
                raise invalid_request("A call has an id.", f"input/{place}/id")
        return await super().read_input(start)
