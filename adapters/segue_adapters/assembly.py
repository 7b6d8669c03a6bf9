"""Rebuilds a turn's items from `item.started`, `item.delta` and `item.completed` (spec: items).

The one place that knows what a delta does to an item; client, gateway and suite all use it.
"""

from __future__ import annotations

from typing import Any

import msgspec
from segue_schemas import models

from .errors import RemoteProtocolError

__all__ = ["ItemAssembler", "apply_append", "apply_put"]


class ItemAssembler:
    """Collects the items of one turn by their index.

    `apply` takes any server message and ignores those that are not about items; it raises
    RemoteProtocolError for a delta that has no place (SEG-ITEM).
    """

    def __init__(self) -> None:
        self._open: dict[int, dict[str, Any]] = {}
        self._buffers: dict[tuple[int, str], list[str]] = {}
        self._whole: dict[int, bytes] = {}

    def apply(self, message: models.ServerMessage) -> None:
        """Take one message into account."""
        if isinstance(message, models.ItemDelta):
            if isinstance(message.append, str):
                # Appended pieces are joined once, at the end: a long text costs its length, not its square.
                self._item(message)
                self._buffers.setdefault((message.index, message.at), []).append(message.append)
            else:
                self._flush(message.index)
                put = msgspec.json.decode(message.put) if isinstance(message.put, msgspec.Raw) else None
                apply_put(self._item(message), message.at, put)
        elif isinstance(message, models.ItemStarted):
            skeleton = msgspec.json.decode(message.item)
            if not isinstance(skeleton, dict):
                raise RemoteProtocolError(
                    f"item.started {message.index}: the item's skeleton must be an object",
                    expected="an object with a `type`",
                    got=bytes(message.item)[:80].decode("utf-8", "replace"),
                )
            self._open[message.index] = skeleton
        elif isinstance(message, models.ItemCompleted):
            if isinstance(message.item, msgspec.Raw):
                self._flush(message.index)
                self._whole[message.index] = bytes(message.item)
            else:
                self._whole[message.index] = msgspec.json.encode(self.partial(message.index))

    def partial(self, index: int) -> dict[str, Any]:
        """Return the item as skeleton and deltas say it so far, without what `item.completed` brought."""
        if index not in self._open:
            raise RemoteProtocolError(
                f"item {index} was never started",
                expected=f"item.started with index {index} before anything else about it",
                got="a message about an item that does not exist",
            )
        self._flush(index)
        return self._open[index]

    @property
    def started(self) -> list[int]:
        """Indexes of the items that were started, in order of their start."""
        return list(self._open)

    @property
    def completed(self) -> list[int]:
        """Indexes of the items that are whole, rising."""
        return sorted(self._whole)

    @property
    def items(self) -> list[bytes]:
        """The whole items in order of their index, as JSON bytes."""
        return [self._whole[index] for index in sorted(self._whole)]

    def whole(self, index: int) -> bytes:
        """Return one whole item as JSON bytes; KeyError where it is not complete."""
        return self._whole[index]

    def _item(self, message: models.ItemDelta) -> dict[str, Any]:
        if message.index in self._whole:
            raise RemoteProtocolError(
                f"item {message.index} was already completed",
                expected="no delta after item.completed",
                got=f"item.delta at {message.at}",
            )
        if message.index not in self._open:
            return self.partial(message.index)  # raises, with the sentence
        return self._open[message.index]

    def _flush(self, index: int) -> None:
        for key in [k for k in self._buffers if k[0] == index]:
            apply_append(self._open[index], key[1], "".join(self._buffers.pop(key)))


def _tokens(at: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in at.split("/")[1:]]


def _misplaced(at: str, why: str) -> RemoteProtocolError:
    return RemoteProtocolError(f"a delta at {at!r} has no place in its item: {why}", expected=why, got=at)


def _slot(item: Any, at: str) -> tuple[Any, str | int]:
    """Return the container and the key or position that `at` names; its last step need not exist."""
    tokens = _tokens(at)
    if not tokens:
        raise _misplaced(at, "a pointer to a member of the item")
    node = item
    for token in tokens[:-1]:
        try:
            node = node[int(token)] if isinstance(node, list) else node[token]
        except (KeyError, IndexError, ValueError, TypeError):
            raise _misplaced(at, f"an existing container before the last step (no {token!r})") from None
    last = tokens[-1]
    if isinstance(node, dict):
        return node, last
    if isinstance(node, list):
        position = len(node) if last == "-" else int(last) if last.isdecimal() else -1
        if 0 <= position <= len(node):
            return node, position
    raise _misplaced(at, "a member of an object, or a place in an array that is at most its end")


def apply_put(item: Any, at: str, value: Any) -> None:
    """Set the value at `at`; at the end of an array it is added."""
    node, key = _slot(item, at)
    if isinstance(node, list) and key == len(node):
        node.append(value)
    else:
        node[key] = value


def apply_append(item: Any, at: str, text: str) -> None:
    """Append text to the string at `at`; a member that is missing or null begins empty."""
    node, key = _slot(item, at)
    if isinstance(node, list):
        if key == len(node):
            node.append(text)
            return
        old = node[int(key)]
    else:
        old = node.get(key)
    if old is not None and not isinstance(old, str):
        raise _misplaced(at, "a string to append to")
    node[key] = (old or "") + text
