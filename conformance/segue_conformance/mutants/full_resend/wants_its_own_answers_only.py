"""Refuses words of an assistant's that it did not say itself: messages without an id of its own."""

from __future__ import annotations

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.items import Item
from segue_gateway.refusals import invalid_request
from segue_schemas import models

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("full_resend.models_words",))
ALSO = {
    "resume.canonical_forms": "it sends an assistant's text as a string",
    "resend.history_in_parts": "a part holds an assistant's text as a string",
    "full_resend.open_call_in_the_middle": "it resends an assistant's words, which are refused first",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what an assistant is said to have said."""

    async def read_input(self, start: models.TurnStart) -> list[Item]:
        """Refuse an assistant's message as a string."""
        for place, raw in enumerate(start.input):
            item = msgspec.json.decode(raw)
            if isinstance(item, dict) and item.get("role") == "assistant" and isinstance(item.get("content"), str):
                raise invalid_request("An assistant's message has an id.", f"input/{place}/id")
        return await super().read_input(start)
