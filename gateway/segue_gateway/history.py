"""A history as a tree of turns: each node holds what one turn added and points to what came before.

Immutable and shared: a fork is another child, appending costs the turn and not the history (G5). A store may hang its
own bookkeeping on `node`; nobody else looks at it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from segue_schemas import EMPTY_HISTORY, chain, extend_all

from .items import Call, Item, read_item

__all__ = ["EMPTY", "History", "grow"]


@dataclass(eq=False, slots=True, weakref_slot=True)
class History:
    """Everything up to the end of one turn.

    `inputs` of `items` were the turn's input, the rest its output. `length` counts what a compaction covers too, as
    the digest chain does; `count` is the number of items held, `size` the bytes of the node's own, `total` of all.
    `open` are the calls that nothing answered yet, `calls` those that this node's own items opened. `compacted`: a
    compaction is among the items.
    """

    parent: History | None
    items: tuple[bytes, ...]
    inputs: int
    digest: str
    length: int
    count: int
    size: int
    open: frozenset[Call]
    calls: frozenset[Call]
    compacted: bool = False
    omitted: tuple[int, ...] = ()
    total: int = 0
    node: Any = field(default=None, repr=False)

    def whole(self) -> list[bytes]:
        """Return every item of the history, oldest first, byte for byte."""
        nodes = list(self.nodes())
        return [item for node in reversed(nodes) for item in node.items]

    def before_output(self) -> list[bytes]:
        """Return what this turn's model was given: the history without the turn's own output."""
        earlier = self.parent.whole() if self.parent is not None else []
        return [*earlier, *self.items[: self.inputs]]

    def outputs(self) -> tuple[bytes, ...]:
        """Return the turn's own output items."""
        return self.items[self.inputs :]

    def nodes(self) -> Iterator[History]:
        """Yield this node and its ancestors, the youngest first."""
        node: History | None = self
        while node is not None:
            yield node
            node = node.parent

    def borne(self) -> set[object]:
        """Return every call that is an item of the history, answered or not."""
        return {call for node in self.nodes() for call in node.calls}

    def place_of(self, calls: Collection[Call]) -> int | None:
        """Return the place of the first of these open calls; None without any. An id that is used again opens again."""
        places = dict[Call, int]()
        for node in self.nodes():
            if node.calls.isdisjoint(calls):  # not read: it opens none of them
                continue
            for place, item in enumerate(map(read_item, node.items), node.count - len(node.items)):
                if item.call is not None and item.role == "opens" and item.call in calls:
                    places[item.call] = max(place, places.get(item.call, 0))
        return min(places.values(), default=None)


EMPTY = History(None, (), 0, EMPTY_HISTORY, 0, 0, 0, frozenset(), frozenset())
"""The history that holds nothing: where a turn without a parent begins."""


def grow(parent: History, inputs: Sequence[Item], outputs: Sequence[Item] = ()) -> History:
    """Return the history that goes on from `parent` with a turn's input and output."""
    items = (*inputs, *outputs)
    digest, length, links = parent.digest, parent.length, items
    if items and items[0].kind == "compaction" and digest == EMPTY_HISTORY:
        digest, length = chain([items[0].raw])  # `covers` stands for what came before
        links = items[1:]
    digest, length = extend_all(digest, (item.digest for item in links)), length + len(links)
    opened, answered = set(parent.open), set[Call]()
    calls: set[Call] = set()
    compacted = parent.compacted
    omitted: list[int] = []
    place = parent.count
    for item in items:
        compacted = compacted or item.kind == "compaction"
        if item.call is not None and item.role == "opens":
            opened.add(item.call)
            calls.add(item.call)
        elif item.call is not None:
            answered.add(item.call)
            opened.discard(item.call)
        if not item.visible:
            omitted.append(place)
        place += 1
    added = tuple(item.raw for item in items)
    size = sum(map(len, added))
    return History(
        parent=parent if parent is not EMPTY else None,
        items=added,
        inputs=len(inputs),
        digest=digest,
        length=length,
        count=place,
        size=size,
        open=parent.open if opened == parent.open else frozenset(opened),  # shared, where nothing changes it
        calls=frozenset(calls),
        compacted=compacted,
        omitted=(*parent.omitted, *omitted) if omitted else parent.omitted,
        total=parent.total + size,
    )
