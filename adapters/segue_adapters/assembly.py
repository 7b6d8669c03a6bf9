"""Rebuilds a turn's items from `item.started`, `item.delta`, `item.completed` and `turn.steered` (spec: items).

The one place that knows what a delta does to an item; client, gateway and suite all use it.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from segue_schemas import models

from .errors import RemoteProtocolError

__all__ = ["ItemAssembler", "apply_append", "apply_put"]


class ItemAssembler:
    """Collects the items of one turn by their index, those of steers among them.

    `apply` takes any server message and ignores those that are not about items; it raises
    RemoteProtocolError for a delta that has no place (SEG-ITEM-005), and for an index that is used twice or was
    never started (SEG-ITEM-003). With `continued` the reading began behind some events: deltas of items that were
    started before it are passed over, and such an item is whole only where `item.completed` brings it.
    """

    def __init__(self, *, continued: bool = False) -> None:
        self._continued = continued
        self._open: dict[int, dict[str, Any]] = {}
        self._buffers: dict[tuple[int, str], list[str]] = {}
        self._whole: dict[int, bytes] = {}

    def apply(self, message: models.ServerMessage) -> None:
        """Take one message into account."""
        if isinstance(message, models.ItemDelta):
            self._delta(message)
        elif isinstance(message, models.ItemStarted):
            skeleton = _value(message.item, f"the skeleton of item {message.index}")
            if not isinstance(skeleton, dict) or not isinstance(skeleton.get("type"), str):
                raise RemoteProtocolError(
                    f"item.started {message.index}: the item's skeleton must be an object with a type",
                    requirement="SEG-ITEM-004",
                    expected="an object with a `type`",
                    got=bytes(message.item)[:80].decode("utf-8", "replace"),
                )
            if message.index in self._open or message.index in self._whole:
                raise _twice(message.index, "started", "an index of its own for each item")
            self._open[message.index] = skeleton
        elif isinstance(message, models.ItemCompleted):
            if message.index in self._whole:
                raise _twice(message.index, "completed", "one item.completed for each item")
            if isinstance(message.item, msgspec.Raw):
                self._flush(message.index)
                self._whole[message.index] = bytes(message.item)
            elif message.index in self._open or not self._continued:
                self._whole[message.index] = msgspec.json.encode(self.partial(message.index))
        elif isinstance(message, models.TurnSteered):
            for index, item in enumerate(message.items, message.index):  # SEG-TURN-127
                if index in self._open or index in self._whole:
                    raise _twice(index, "used", "the next free index for each item of a steer")
                self._whole[index] = bytes(item)

    def append(self, index: int, at: str, text: str) -> bool:
        """Take into account that a text goes on, as `apply` would; return False, with nothing done, where none does."""
        pieces = self._buffers.get((index, at))
        if pieces is None:
            return False
        pieces.append(text)
        return True

    def _delta(self, message: models.ItemDelta) -> None:
        text, put = message.append, message.put
        if isinstance(text, str) == isinstance(put, msgspec.Raw):
            count = "both" if isinstance(text, str) else "none"
            raise RemoteProtocolError(
                f"item.delta at {message.at!r} with {count} of append and put",
                requirement="SEG-MSG-002",
                expected="either `append` or `put`",
                got=msgspec.json.encode(message)[:300].decode(),
            )
        if self._continued and message.index not in self._open and message.index not in self._whole:
            return
        item = self._item(message)
        if isinstance(put, msgspec.Raw):
            self._flush(message.index)
            apply_put(item, message.at, _value(put, f"the value at {message.at!r}"))
            return
        assert isinstance(text, str)
        pieces = self._buffers.get((message.index, message.at))
        if pieces is not None:
            pieces.append(text)
            return
        apply_append(item, message.at, text)
        # From now on there is a string at this place. Further pieces are joined once, at the end: a long text costs
        # its length, not its square. `-` names another place each time.
        if not message.at.endswith("/-"):
            self._buffers[(message.index, message.at)] = []

    def partial(self, index: int) -> dict[str, Any]:
        """Return the item as skeleton and deltas say it so far, without what `item.completed` brought."""
        if index not in self._open:
            raise RemoteProtocolError(
                f"item {index} was never started",
                requirement="SEG-ITEM-003",
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
                requirement="SEG-ITEM-003",
                expected="no delta after item.completed",
                got=f"item.delta at {message.at}",
            )
        if message.index not in self._open:
            return self.partial(message.index)  # raises, with the sentence
        return self._open[message.index]

    def _flush(self, index: int) -> None:
        for key in [k for k in self._buffers if k[0] == index]:
            if pieces := self._buffers.pop(key):
                apply_append(self._open[index], key[1], "".join(pieces))


def _value(raw: msgspec.Raw, what: str) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # A message is decoded without looking into what it carries, so broken text shows only here.
        raise RemoteProtocolError(
            f"{what} is not I-JSON: {error}",
            requirement="SEG-MSG-001",
            expected="JSON in UTF-8 without lone surrogates",
            got=bytes(raw)[:80].decode("utf-8", "replace"),
        ) from None


def _twice(index: int, what: str, expected: str) -> RemoteProtocolError:
    message = f"item {index} was {what} twice"
    return RemoteProtocolError(message, requirement="SEG-ITEM-003", expected=expected, got=message)


def _tokens(at: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in at.split("/")[1:]]


def _misplaced(at: str, why: str) -> RemoteProtocolError:
    told = f"a delta at {at!r} has no place in its item: {why}"
    return RemoteProtocolError(told, requirement="SEG-ITEM-005", expected=why, got=at)


def _slot(item: Any, at: str) -> tuple[Any, str | int]:
    """Return the container and the key or position that `at` names; its last step need not exist."""
    tokens = _tokens(at)
    if not tokens:
        raise _misplaced(at, "a pointer to a member of the item")
    node = item
    for token in tokens[:-1]:
        try:
            node = node[_position(token)] if isinstance(node, list) else node[token]
        except (KeyError, IndexError, ValueError, TypeError):
            raise _misplaced(at, f"an existing container before the last step (no {token!r})") from None
    last = tokens[-1]
    if isinstance(node, dict):
        return node, last
    if isinstance(node, list):
        position = len(node) if last == "-" else _position(last, none=len(node) + 1)
        if position <= len(node):
            return node, position
    raise _misplaced(at, "a member of an object, or a place in an array that is at most its end")


_ARRAY_INDEX = re.compile(r"0|[1-9][0-9]{0,15}")


def _position(token: str, none: int | None = None) -> int:
    """Return an array index as RFC 6901 writes it; `none`, or ValueError, for `-1`, `01`, `1_0` and the like."""
    if _ARRAY_INDEX.fullmatch(token):
        return int(token)
    if none is None:
        raise ValueError(token)
    return none


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
        old = "" if old is None else old
    if not isinstance(old, str):
        raise _misplaced(at, "a string to append to")
    node[key] = old + text
