"""Refuses a part of a history that ends in an open call."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from segue_gateway.endpoint import Endpoint
from segue_gateway.history import History
from segue_gateway.items import Item
from segue_schemas import models

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("resend.history_in_parts",))


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for open calls in parts."""

    def check_calls(self, start: models.TurnStart, parent: History, inputs: Sequence[Item]) -> None:
        """Want each turn to answer its calls."""
        super().check_calls(msgspec.structs.replace(start, generate=True), parent, inputs)
