"""Digests of items, contexts and histories: the proof that two sides hold the same. Needs `rfc8785`.

<BANNER>

An item's digest is SHA-256 over its canonical form as RFC 8785 writes it; a history's digest is a chain,
SHA-256(previous 32 bytes || item's 32 bytes), that starts from 32 zero bytes. Everything that can't be
digested raises `ValueError`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, TypeAlias

import rfc8785

__all__ = ["EMPTY_HISTORY", "canonical_context", "canonical_item", "chain", "context_digest", "extend", "item_digest"]

Source: TypeAlias = bytes | str | Mapping[str, Any]
_Record: TypeAlias = dict[str, tuple[bool, str, bool]]  # member: goes in as text, as a list of these parts, required

PREFIX = "segue1-sha256:"
EMPTY_HISTORY = PREFIX + "A" * 43

_ITEMS: dict[str, _Record] = {}  # <ITEMS>
# Lists of these hold known parts by their type, and others that go in whole.
_PARTS: dict[str, dict[str, _Record]] = {}  # <PARTS>
# Lists of these hold one form whatever its type.
_PLAIN: dict[str, _Record] = {}  # <PLAIN>
# Members of a context whose null says the same as their absence.
_CONTEXT: list[str] = []  # <CONTEXT>

_OPEN_ITEM_LEAVES = ("id", "status", "encrypted_content")
_SAFE = 2**53 - 1
_DEPTH = 100
_SURROGATE = re.compile("[\ud800-\udfff]")


def item_digest(item: Source) -> str:
    """Return the digest of one item: its JSON text, or the parsed object."""
    return _digest(canonical_item(item))


def context_digest(context: Source) -> str:
    """Return the digest of a whole context, not of its digest or patch form."""
    return _digest(canonical_context(context))


def extend(history: str, item: str) -> str:
    """Return the history's digest after one more item; takes and returns digests."""
    return _written(hashlib.sha256(_bytes(history) + _bytes(item)).digest())


def chain(items: Iterable[Source], base: str = EMPTY_HISTORY, length: int = 0) -> tuple[str, int]:
    """Return digest and length of the history that goes on from `base` with these items, oldest first.

    A compaction with `covers` at the very beginning stands for what came before it.
    """
    history = base
    for source in items:
        item = _members(source)
        covers = item.get("covers")
        if history == EMPTY_HISTORY and item.get("type") == "compaction" and covers is not None:
            if not isinstance(covers, Mapping) or type(covers.get("length")) is not int or covers["length"] < 0:
                raise ValueError("`covers` of a compaction must have a `digest` and a `length` from 0")
            history, length = _written(_bytes(covers.get("digest"))), covers["length"]
        history, length = extend(history, item_digest(item)), length + 1
    return history, length


def canonical_item(item: Source) -> dict[str, Any]:
    """Return what of an item goes into its digest."""
    members = _members(item)
    kind = members.get("type")
    if not isinstance(kind, str):
        raise ValueError("an item's `type` must be a string")
    record = _ITEMS.get(kind)
    if record is None:
        return {name: _open(value, _DEPTH - 1) for name, value in members.items() if name not in _OPEN_ITEM_LEAVES}
    if kind == "message" and isinstance(members.get("content"), str):
        # A text equals its one-part form.
        part = "output_text" if members.get("role") == "assistant" else "input_text"
        members = {**members, "content": [{"type": part, "text": members["content"]}]}
    return _known(record, members, kind)


def canonical_context(context: Source) -> dict[str, Any]:
    """Return what of a context goes into its digest."""
    members = _members(context)
    if "base" in members and "patch" in members:
        raise ValueError("a context patch has no digest of its own; apply it to its base first")
    return {
        name: _open(value, _DEPTH - 1)
        for name, value in members.items()
        if value is not None or name not in _CONTEXT
    }  # fmt: skip


def _known(record: _Record, members: Mapping[str, Any], kind: str) -> dict[str, Any]:
    form: dict[str, Any] = {}
    for name, (text, parts, required) in record.items():
        value = members.get(name)
        if isinstance(value, str) and text:
            form[name] = value
        elif isinstance(value, (list, tuple)) and parts:
            form[name] = [_part(parts, part) for part in value]
        elif value is not None or required:
            raise ValueError(f"`{name}` of a {kind} is missing or has no canonical form")
    return form


def _part(definition: str, part: Any) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if not isinstance(kind, str):
        raise ValueError("a part must be an object with a `type`")
    record = _PLAIN.get(definition) or _PARTS[definition].get(kind)
    if record is None:
        return {name: _open(value, _DEPTH - 3) for name, value in part.items()}
    return _known(record, part, kind)


def _open(value: Any, room: int) -> Any:
    if isinstance(value, (Mapping, list, tuple)) and room == 0:
        raise ValueError(f"nested deeper than {_DEPTH}: no reader takes it")
    if isinstance(value, Mapping):
        return {name: _open(inner, room - 1) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_open(inner, room - 1) for inner in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not -_SAFE <= value <= _SAFE:
        try:
            double = float(value)
        except OverflowError:
            double = float("inf")
        if not 1e21 <= abs(double) < float("inf"):
            raise ValueError("readers do not agree on integers beyond 2^53 - 1: send the number as a string")
        return double
    return value


# --- reading, writing ---------------------------------------------------------------------------


def _members(source: Source) -> Mapping[str, Any]:
    value = source if isinstance(source, Mapping) else _strict_loads(source)
    if not isinstance(value, Mapping):
        raise ValueError("an item or a context must be an object")
    return value


def _strict_loads(data: bytes | str) -> Any:
    """I-JSON (RFC 7493): what readers would read differently is refused."""
    try:
        value = json.loads(
            data if isinstance(data, str) else str(data, "utf-8"), object_pairs_hook=_object, parse_constant=_constant
        )
    except RecursionError:
        raise ValueError(f"nested deeper than {_DEPTH}") from None
    _check(value, _DEPTH)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object has a name twice")
    return members


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _check(value: Any, room: int) -> None:
    if isinstance(value, str) and _SURROGATE.search(value):
        raise ValueError("a string holds a lone surrogate")
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        raise ValueError("a number is beyond the range of a double")
    if isinstance(value, (dict, list)):
        if room == 0:
            raise ValueError(f"nested deeper than {_DEPTH}")
        for inner in (*value, *value.values()) if isinstance(value, dict) else value:
            _check(inner, room - 1)


def _digest(form: dict[str, Any]) -> str:
    return _written(hashlib.sha256(rfc8785.dumps(form)).digest())


def _written(digest: bytes) -> str:
    return PREFIX + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _bytes(digest: Any) -> bytes:
    if isinstance(digest, str) and re.fullmatch(PREFIX + "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", digest):
        return base64.urlsafe_b64decode(digest[len(PREFIX) :] + "=")
    raise ValueError(f"not a digest: expected {PREFIX!r} and 43 characters of base64url")
