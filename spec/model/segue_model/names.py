"""How the stories call things, and worlds that differ from others in one of them."""

from __future__ import annotations

from functools import cache

from segue_model.state import Budget, Node, Reader, World

__all__ = ["client", "node", "spend", "with_node", "with_reader"]

_NODES = World._fields.index("nodes")
_READERS = World._fields.index("readers")
_LEFT = World._fields.index("left")


@cache
def client(r: int) -> str:
    """Return a reader's name in the stories."""
    return f"client {r + 1}"


@cache
def node(k: int) -> str:
    """Return a node's name in the stories."""
    return f"node {k + 1}"


# These three are most of what an exploration does, and slices are several times faster than `_replace`.


def spend(w: World, what: str) -> World:
    """Return the world with one less of what may happen."""
    at = Budget._fields.index(what)
    left = Budget._make((*w.left[:at], w.left[at] - 1, *w.left[at + 1 :]))
    return World._make((*w[:_LEFT], left, *w[_LEFT + 1 :]))


def with_reader(w: World, r: int, reader: Reader) -> World:
    """Return the world with another reader r."""
    readers = (*w.readers[:r], reader, *w.readers[r + 1 :])
    return World._make((*w[:_READERS], readers, *w[_READERS + 1 :]))


def with_node(w: World, k: int, changed: Node) -> World:
    """Return the world with another node k."""
    nodes = (*w.nodes[:k], changed, *w.nodes[k + 1 :])
    return World._make((*w[:_NODES], nodes, *w[_NODES + 1 :]))
