"""What a caller may give as input: text, an item, or a list of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

__all__ = ["Input", "message_items"]

# A list holds what can stand alone: text, an item, an item as bytes.
Input = str | Mapping[str, Any] | bytes | msgspec.Raw | Sequence[Any]


def message_items(value: Input) -> list[msgspec.Raw]:
    """Return input as items: a string is a message of the user, a mapping an item, bytes an item as received."""
    alone = isinstance(value, str | bytes | msgspec.Raw | Mapping)
    return [_item(item) for item in ([value] if alone else value)]


def _item(value: Any) -> msgspec.Raw:
    if isinstance(value, str):
        return msgspec.Raw(msgspec.json.encode({"type": "message", "role": "user", "content": value}))
    if isinstance(value, bytes | msgspec.Raw):
        return msgspec.Raw(bytes(value))
    return msgspec.Raw(msgspec.json.encode(value))
