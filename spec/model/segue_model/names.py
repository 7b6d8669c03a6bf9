"""How the stories call things, and worlds that differ from others in one of them."""

from __future__ import annotations

from segue_model.state import Node, Reader, World

__all__ = ["client", "node", "spend", "with_node", "with_reader"]


def client(r: int) -> str:
    """Return a reader's name in the stories."""
    return f"client {r + 1}"


def node(k: int) -> str:
    """Return a node's name in the stories."""
    return f"node {k + 1}"


def spend(w: World, what: str) -> World:
    """Return the world with one less of what may happen."""
    return w._replace(left=w.left._replace(**{what: getattr(w.left, what) - 1}))


def with_reader(w: World, r: int, reader: Reader) -> World:
    """Return the world with another reader r."""
    return w._replace(readers=(*w.readers[:r], reader, *w.readers[r + 1 :]))


def with_node(w: World, k: int, changed: Node) -> World:
    """Return the world with another node k."""
    return w._replace(nodes=(*w.nodes[:k], changed, *w.nodes[k + 1 :]))
