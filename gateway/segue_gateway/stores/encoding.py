"""What a row's body holds: a turn of a history, a stretch of a record, a terminal event."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from segue_schemas import models

from ..history import History
from ..items import Call
from .base import Event

__all__ = ["decode_events", "decode_node", "decode_terminal", "encode_events", "encode_node", "encode_terminal"]

_EVENTS = msgspec.json.Decoder(list[Event])
_TERMINAL = msgspec.json.Decoder(models.TurnCompleted)


class _Node(msgspec.Struct, array_like=True, frozen=True):
    """A `History` without its parent; what is the parent's too is not said again: `open` None, `omitted` its rest."""

    items: tuple[bytes, ...]
    inputs: int
    digest: str
    length: int
    count: int
    size: int
    compacted: bool
    open: tuple[Call, ...] | None
    calls: tuple[Call, ...]
    omitted: tuple[int, ...]


_NODE = msgspec.msgpack.Decoder(_Node)


def encode_node(history: History) -> bytes:
    """Return one turn of a history."""
    parent = history.parent
    before = 0 if parent is None else len(parent.omitted)
    same = parent is not None and history.open is parent.open
    return msgspec.msgpack.encode(
        _Node(
            items=history.items,
            inputs=history.inputs,
            digest=history.digest,
            length=history.length,
            count=history.count,
            size=history.size,
            compacted=history.compacted,
            open=None if same else tuple(history.open),
            calls=tuple(history.calls),
            omitted=history.omitted[before:],
        )
    )


def decode_node(body: bytes, parent: History | None) -> History:
    """Return one turn of a history, behind its parent."""
    node = _NODE.decode(body)
    before = () if parent is None else parent.omitted
    opened = parent.open if node.open is None and parent is not None else frozenset(node.open or ())
    return History(
        parent=parent,
        items=node.items,
        inputs=node.inputs,
        digest=node.digest,
        length=node.length,
        count=node.count,
        size=node.size,
        open=opened,
        calls=frozenset(node.calls),
        compacted=node.compacted,
        omitted=(*before, *node.omitted) if node.omitted else before,
        total=node.size + (0 if parent is None else parent.total),
    )


def encode_events(events: Sequence[Event]) -> bytes:
    """Return a stretch of a record."""
    return msgspec.json.encode(list(events))


def decode_events(body: bytes) -> list[Event]:
    """Return a stretch of a record."""
    return _EVENTS.decode(body)


def encode_terminal(terminal: models.TurnCompleted | None) -> bytes | None:
    """Return the terminal event that a handle remembers."""
    return None if terminal is None else msgspec.json.encode(terminal)


def decode_terminal(body: bytes | None) -> models.TurnCompleted | None:
    """Return the terminal event that a handle remembers."""
    return None if body is None else _TERMINAL.decode(body)
