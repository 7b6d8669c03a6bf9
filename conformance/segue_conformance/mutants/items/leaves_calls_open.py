"""Lets a turn go on although a call of its history was never answered."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_gateway.items import Item
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("continuation.open_calls_must_be_answered", "full_resend.open_call_in_the_middle"))
ALSO = {
    "full_resend.open_call_in_the_middle": "a call in the middle is left open as well",
}


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for calls that wait."""

    def check_calls(self, start: models.TurnStart, parent: History, inputs: Sequence[Item]) -> None:
        """Look only for outputs without a call."""
        super().check_calls(msgspec.structs.replace(start, generate=False), parent, inputs)
