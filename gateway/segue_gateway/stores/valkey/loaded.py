"""What stays read in this process: histories by the id of their last turn, contexts by their digest.

Neither ever changes under its name, so what is here is right for as long as the server says that it is still held; it
says so with each step, and what it has freed is forgotten here too.
"""

from __future__ import annotations

import secrets
import weakref
from collections import OrderedDict
from collections.abc import Iterable

from segue_schemas import strict_loads

from ...contexts import Context
from ...history import History
from ..encoding import decode_node, encode_node
from ..weights import node_weight

__all__ = ["Link", "Loaded"]

_HISTORIES = 64 * 1024 * 1024  # bytes of histories that stay loaded
_CONTEXTS = 8 * 1024 * 1024

#: One turn of a history as it is sent: its id, the id above it ("" at the beginning), its weight, its body.
Link = tuple[str, str, int, bytes]


class Loaded:
    """Histories and contexts in memory. `History.node` is the id of a turn, drawn once; it says nothing of where."""

    def __init__(self) -> None:
        self._live: weakref.WeakValueDictionary[str, History] = weakref.WeakValueDictionary()
        self._totals: weakref.WeakKeyDictionary[History, int] = weakref.WeakKeyDictionary()
        self._recent: OrderedDict[str, tuple[History, int]] = OrderedDict()
        self._contexts: OrderedDict[tuple[str, str], Context] = OrderedDict()
        self._size = self._context_size = 0

    # -- histories

    def find(self, node: str) -> History | None:
        """Return the history that ends with a turn, if it is in memory."""
        found = self._live.get(node)
        if found is not None and node in self._recent:
            self._recent.move_to_end(node)
        return found

    def place(self, node: str, body: bytes, parent: History | None) -> History:
        """Take a turn of a history that was read."""
        made = decode_node(body, parent)
        made.node = node
        self._live[node] = made
        return made

    def keep(self, history: History) -> None:
        """Keep what was used last loaded: who goes on from it then reads nothing. Shared ancestries count anew."""
        _, before = self._recent.pop(history.node, (None, 0))
        total = self._total(history)
        self._live[history.node] = history
        self._recent[history.node] = (history, total)
        self._size += total - before
        while self._size > _HISTORIES and len(self._recent) > 1:
            self._size -= self._recent.popitem(last=False)[1][1]

    def forget(self, nodes: Iterable[str]) -> None:
        """Let go of what was freed."""
        for node in nodes:
            self._size -= self._recent.pop(node, (None, 0))[1]

    def chain(self, history: History, *, whole: bool) -> list[Link]:
        """Return what is to be sent of a history, youngest first: all of it, or what no server was told of yet."""
        links: list[Link] = []
        node: History | None = history
        while node is not None:
            above = node.parent
            told = above is None or above.node is not None
            links.append(
                (self._id(node), "" if above is None else self._id(above), node_weight(node), encode_node(node))
            )
            if told and not whole:
                break
            node = above
        return links

    def _total(self, history: History) -> int:
        """Return what a history weighs with all that came before; each turn of it is reckoned once."""
        todo: list[History] = []
        total = 0
        for node in history.nodes():
            known = self._totals.get(node)
            if known is not None:
                total = known
                break
            todo.append(node)
        for node in reversed(todo):
            total += node_weight(node)
            self._totals[node] = total
        return total

    def _id(self, history: History) -> str:
        if history.node is None:
            history.node = secrets.token_urlsafe(12)
        node: str = history.node
        return node

    # -- contexts

    def context(self, principal: str, digest: str) -> Context | None:
        """Return a context that was read."""
        found = self._contexts.get((principal, digest))
        if found is not None:
            self._contexts.move_to_end((principal, digest))
        return found

    def read_context(self, principal: str, digest: str, raw: bytes) -> Context:
        """Take a context's bytes."""
        return self.keep_context(principal, Context(raw, digest, strict_loads(raw)))

    def keep_context(self, principal: str, context: Context) -> Context:
        """Keep a context that the server holds."""
        key = (principal, context.digest)
        held = self._contexts.get(key)
        if held is not None:
            self._contexts.move_to_end(key)
            return held
        self._contexts[key] = context
        self._context_size += context.size
        while self._context_size > _CONTEXTS and len(self._contexts) > 1:
            self._context_size -= self._contexts.popitem(last=False)[1].size
        return context
