"""Refuses a message with a member that it does not know."""

from __future__ import annotations

from typing import Any

from segue_gateway.refusals import invalid_request
from segue_schemas import models

from ..wire_fault import NATIVE, WireFault

KILLED_BY = dict.fromkeys(NATIVE, ("messages.unknown_members",))
ALSO = {
    "lanes.unlisted_feature_refused": "its message has members of another kind",
    "messages.hundred_deep": "what is deep stands in a member that it does not know",
    "messages.number_beyond_a_double": "the number stands in a member that it does not know",
    "steers.*": "they send a member that the schema does not name",
}


_KNOWN = {"type", *models.TurnStart.__struct_encode_fields__}


class MutantEndpoint(WireFault):
    """The reference endpoint, but for members of later versions."""

    wires = NATIVE

    def heard(self, wire: str, message: dict[str, Any]) -> dict[str, Any]:
        """Look at the names of a turn's members."""
        if "input" in message and not message.keys() <= _KNOWN:
            raise invalid_request("A member is not known.")
        return message
