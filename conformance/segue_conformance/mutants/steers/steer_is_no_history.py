"""Leaves the items of a steer out of the history."""

from __future__ import annotations

from typing import Any

from segue_gateway.endpoint import Endpoint
from segue_gateway.items import Item
from segue_gateway.output import Output
from segue_gateway.turns import Turn

from ..wire_fault import NATIVE

KILLED_BY = dict.fromkeys(NATIVE, ("steers.enters_between_items",))


class _Output(Output):
    def items(self) -> list[Item]:
        steered = getattr(self, "steered", frozenset[int]())
        return [item for index, item in sorted(self._whole.items()) if index not in steered]

    def insert(self, steer: str, items: Any) -> Any:
        event = super().insert(steer, items)
        self.steered = frozenset(range(event.index, event.index + len(items)))
        return event


class _Turn(Turn):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.output = _Output(self.name)


class MutantEndpoint(Endpoint):
    """The reference endpoint, but for histories of steered turns."""

    turn_type = _Turn
