"""Drops the text of a turn that is cancelled, although it was delivered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.output import Output
from segue_gateway.turns import Turn

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("lanes.cut_text_stays",))
ALSO = {
    "responses_events.items_are_brought_whole": "an output that was cut at its limit is dropped as well",
}


class _Output(Output):
    def keeps(self, item: Mapping[str, Any]) -> bool:
        return False


class _Turn(Turn):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.output = _Output(self.name)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for text that was cut."""

    turn_type = _Turn
