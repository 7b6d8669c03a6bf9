"""Tells output that was cut at max_output_tokens as completed."""

from __future__ import annotations

from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.turns import Turn
from segue_schemas import models

from ...registry import WIRES

KILLED_BY = dict.fromkeys(WIRES, ("turns.cut_is_incomplete",))
ALSO = {
    "deletion.running_descendant_loses_its_handle": "a turn that lost its retention is told as completed",
    "responses_members.usage_is_plausible": "it looks at a cut",
    "readings.connection_that_ends_first": "it looks at a turn that is cut",
}


class _Turn(Turn):
    def request(self) -> Any:
        whole = super().request()
        # The model is not told of the limit either: the text comes in full.
        context = {name: value for name, value in whole.context.items() if name != "max_output_tokens"}
        return type(whole)(whole.items, context, whole.trace)

    def completed(self, *args: Any, **kwargs: Any) -> models.TurnCompleted:
        event = super().completed(*args, **kwargs)
        event.status = "completed"
        return event


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for limits of the output."""

    turn_type = _Turn
