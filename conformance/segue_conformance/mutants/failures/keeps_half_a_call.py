"""Keeps a call that was cut in its arguments as an item of the history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.output import Output
from segue_gateway.turns import Turn

KILLED_BY = dict.fromkeys(("segue-ws", "segue-http"), ("failures.cut_call_is_discarded",))


class _Output(Output):
    def keeps(self, item: Mapping[str, Any]) -> bool:
        return item.get("type") == "function_call" or super().keeps(item)


class _Turn(Turn):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.output = _Output(self.name)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for calls that were cut."""

    turn_type = _Turn
