"""Who holds which part of the ancestry: pins, weights and descendants of the nodes of a history.

A node is held while a handle names it or a held node goes on from it, so a fork costs its own turns only, and an
ancestry lives as long as anything that needs it (SEG-CONT-047).
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field

from ..history import History
from .weights import node_weight

__all__ = ["Tree"]


@dataclass(eq=False, slots=True, weakref_slot=True)
class _Node:
    pins: int = 0
    name: str = ""
    condemned: bool = False
    children: weakref.WeakSet[_Node] = field(default_factory=weakref.WeakSet)


class Tree:
    """Bookkeeping on `History.node`; amounts are bytes."""

    def cost(self, history: History) -> int:
        """Return what holding a history would add to what is held."""
        total = 0
        for node in history.nodes():
            if node.node is not None and node.node.pins:
                break
            total += node_weight(node)
        return total

    def hold(self, history: History, name: str) -> int:
        """Pin a history for the handle of that name; return what it added."""
        own = self._own(history)
        own.name = name
        added = 0
        for node in history.nodes():
            mark = self._own(node)
            mark.pins += 1
            if mark.pins > 1:
                break  # was held before, and so is all above it
            added += node_weight(node)
        return added

    def release(self, history: History) -> int:
        """Take a handle's pin off; return what it freed."""
        freed = 0
        for node in history.nodes():
            mark = self._own(node)
            mark.pins -= 1
            if mark.pins:
                break
            freed += node_weight(node)
        return freed

    def condemn(self, history: History) -> list[str]:
        """Mark a history and all that goes on from it as deleted; return the names of their handles."""
        names = []
        todo = [self._own(history)]
        while todo:
            mark = todo.pop()
            mark.condemned = True
            if mark.name:
                names.append(mark.name)
            todo.extend(mark.children)
        return names

    def condemned(self, history: History) -> bool:
        """Return whether the parent of a new node was deleted together with its descendants."""
        parent = history.parent
        return parent is not None and parent.node is not None and bool(parent.node.condemned)

    def _own(self, history: History) -> _Node:
        if history.node is None:
            history.node = _Node()
            if history.parent is not None:
                self._own_chain(history.parent).children.add(history.node)
        mark: _Node = history.node
        return mark

    def _own_chain(self, history: History) -> _Node:
        # Without recursion: a history may be thousands of turns deep.
        missing = []
        node: History | None = history
        while node is not None and node.node is None:
            node.node = _Node()
            missing.append(node)
            node = node.parent
        for made in missing:
            if made.parent is not None:
                made.parent.node.children.add(made.node)
        mark: _Node = history.node
        return mark
