"""Asks for outputs of the calls that a history ends in, and of none before."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_gateway.items import Item
from segue_schemas import models

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("full_resend.open_call_in_the_middle",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for calls with something behind them."""

    def check_calls(self, start: models.TurnStart, parent: History, inputs: Sequence[Item]) -> None:
        """Let all calls of the input pass that a message follows."""
        if inputs and inputs[-1].kind == "message" and not parent.open:
            start = msgspec.structs.replace(start, generate=False)
        super().check_calls(start, parent, inputs)
