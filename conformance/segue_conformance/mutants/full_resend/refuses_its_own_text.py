"""Refuses text of an assistant's in the form in which it writes it itself."""

from __future__ import annotations

from segue_gateway.endpoint import Endpoint
from segue_gateway.items import Item
from segue_gateway.refusals import invalid_request
from segue_schemas import models

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("items.output_goes_in_again", "full_resend.users_words"))
ALSO = {
    "items.string_equals_parts": "it sends text of the assistant in that form",
    "warm_up.*": "the control arm sends the output again",
    "warm_up.in_a_chain": "its history holds text of the assistant",
    "sealed.own_compaction_goes_in_again": "its output is sent again",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for what it wrote."""

    async def read_input(self, start: models.TurnStart) -> list[Item]:
        """Refuse parts that only an output has."""
        for place, raw in enumerate(start.input):
            if b"output_text" in bytes(raw):
                raise invalid_request("A part of an input is an input_text.", f"input/{place}/content")
        return await super().read_input(start)
