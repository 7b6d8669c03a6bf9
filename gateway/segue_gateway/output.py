"""The output of one turn as it grows: which items are open, which are whole, what becomes of those that were cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from segue_adapters.assembly import ItemAssembler
from segue_schemas import models

from .items import Item, read_item

__all__ = ["Output"]


class Output:
    """Collects items; each method returns the event that says it, with its seq still to be given."""

    def __init__(self, turn: str) -> None:
        self.turn = turn
        self._assembler = ItemAssembler()
        self._open: dict[int, None] = {}
        self._whole: dict[int, Item] = {}
        self._next = 0

    @property
    def begun(self) -> bool:
        """Whether any output was written."""
        return self._next > 0

    @property
    def growing(self) -> bool:
        """Whether an item is open."""
        return bool(self._open)

    def insert(self, steer: str, items: Sequence[Item]) -> models.TurnSteered:
        """Put the items of a steer behind the others (SEG-TURN-124)."""
        raws = [msgspec.Raw(item.raw) for item in items]
        event = models.TurnSteered(turn=self.turn, steer=steer, index=self._next, items=raws)
        self._whole.update(enumerate(items, self._next))
        self._next += len(items)
        self._assembler.apply(event)
        return event

    def partial(self, index: int) -> Mapping[str, Any]:
        """Return an open item as it is built so far."""
        return self._assembler.partial(index)

    def items(self) -> list[Item]:
        """Return the whole items in the order of their indexes."""
        return [self._whole[index] for index in sorted(self._whole)]

    def begin(self, skeleton: Mapping[str, Any]) -> models.ItemStarted:
        """Open the next item."""
        event = models.ItemStarted(turn=self.turn, index=self._next, item=msgspec.Raw(msgspec.json.encode(skeleton)))
        self._open[self._next] = None
        self._next += 1
        self._assembler.apply(event)
        return event

    def grow(self, index: int, at: str, append: str | None, put: Any) -> models.ItemDelta:
        """Append text to an open item, or put a value into it."""
        if append is not None:
            event = models.ItemDelta(turn=self.turn, index=index, at=at, append=append)
            if self._assembler.append(index, at, append):
                return event
        else:
            event = models.ItemDelta(turn=self.turn, index=index, at=at, put=msgspec.Raw(msgspec.json.encode(put)))
        self._assembler.apply(event)
        return event

    def end(self, index: int, whole: bytes | None = None) -> list[models.ItemDelta | models.ItemCompleted]:
        """Close an item. The item itself is carried only where skeleton and deltas do not rebuild it (SEG-ITEM-006)."""
        events: list[models.ItemDelta | models.ItemCompleted] = []
        if self._assembler.partial(index).get("status") == "in_progress":
            status = "completed" if whole is None else msgspec.json.decode(whole).get("status", "completed")
            events.append(self.grow(index, "/status", None, status))  # SEG-ITEM-009
        built = self._assembler.partial(index)
        item = read_item(msgspec.json.encode(built) if whole is None else whole, f"item {index}")
        completed = models.ItemCompleted(turn=self.turn, index=index, digest=item.digest)
        if whole is not None and msgspec.json.decode(whole) != built:
            completed.item = msgspec.Raw(whole)
        self._assembler.apply(completed)
        del self._open[index]
        self._whole[index] = item
        return [*events, completed]

    def cut(self) -> tuple[list[models.ItemDelta | models.ItemCompleted], list[int]]:
        """Close what is still open: text stays and is marked, the rest is discarded; return events and dropped indexes.

        A user has read text that was cut, so the history holds it (SEG-TURN-033); half a call can be answered by
        nobody, and a sealed item without its seal be opened by nobody (SEG-TURN-034).
        """
        events: list[models.ItemDelta | models.ItemCompleted] = []
        discarded = []
        for index in list(self._open):
            if self.keeps(self._assembler.partial(index)):
                events.append(self.grow(index, "/status", None, "incomplete"))
                events.extend(self.end(index))
            else:
                del self._open[index]
                discarded.append(index)
        return events, discarded

    def keeps(self, item: Mapping[str, Any]) -> bool:
        """Return whether an item that was cut is history: a message that holds any text."""
        parts = item.get("content") or []
        return item.get("type") == "message" and any(part.get("text") or part.get("refusal") for part in parts)
