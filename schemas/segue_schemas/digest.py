r"""Digests of items, contexts and histories: the proof that two sides hold the same.

An item's digest is SHA-256 over its canonical form as RFC 8785 (JCS) writes it; a history's digest is
a chain, SHA-256(previous 32 bytes || item's 32 bytes), that starts from 32 zero bytes. The canonical
form leaves out what a client that rebuilds its history from an SDK's objects doesn't have: ids,
statuses, annotations, log probabilities, sealed payloads. What goes in is not listed here: it is read
from the annotation `x-digest` in `items.json`, so that schema and code can't disagree.

Numbers stand only in contexts, open items and unknown content parts. They go in as RFC 8785 writes
doubles. A number that it would write as an integer beyond 2^53 - 1 has no digest (`ValueError`):
readers don't agree on its last digits. From 10^21 on RFC 8785 writes an exponent, and all agree again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import msgspec
import rfc8785

from segue_schemas.loader import load
from segue_schemas.strict import strict_loads

__all__ = [
    "EMPTY_HISTORY",
    "canonical_context",
    "canonical_item",
    "chain",
    "context_digest",
    "extend",
    "extend_all",
    "history_digest",
    "item_digest",
]

Source: TypeAlias = bytes | bytearray | memoryview | str | msgspec.Raw | Mapping[str, Any]

PREFIX = "segue1-sha256:"

EMPTY_HISTORY = PREFIX + "A" * 43
"""Digest of the history that holds no item: 32 zero bytes, from which every chain starts."""

# Members of an open item that stay out: ids and statuses a server gives, payloads prove themselves.
_OPEN_ITEM_LEAVES = frozenset({"id", "status", "encrypted_content"})

_SAFE = 2**53 - 1

_DEPTH = 100  # as strict_loads reads it, so that no digest is proved over what cannot be sent


def item_digest(item: Source) -> str:
    """Return the digest of one item, `segue1-sha256:` and 43 characters.

    Raises `ValueError` (bytes that are no I-JSON: `StrictJSONError`) for what has no canonical form.
    """
    return _digest(canonical_item(item))


def context_digest(context: Source) -> str:
    """Return the digest of a whole context, not of its digest or patch form. Raises as `item_digest`."""
    return _digest(canonical_context(context))


def extend(history: str, item: str) -> str:
    """Return the history's digest after one more item; takes and returns digest strings."""
    return _written(hashlib.sha256(_bytes(history) + _bytes(item)).digest())


def extend_all(history: str, items: Iterable[str]) -> str:
    """Return the history's digest after more items, oldest first; takes and returns digest strings."""
    link = _bytes(history)
    for item in items:
        link = hashlib.sha256(link + _bytes(item)).digest()
    return _written(link)


def history_digest(items: Iterable[Source], base: str = EMPTY_HISTORY) -> str:
    """Return the digest of the history that goes on from `base` with these items, oldest first."""
    return chain(items, base)[0]


def chain(items: Iterable[Source], base: str = EMPTY_HISTORY, length: int = 0) -> tuple[str, int]:
    """Return digest and length of the history that goes on from `base` with these items, oldest first.

    A compaction item with `covers` at the very beginning of a history stands for what came before:
    digest and length go on from there, and the item itself is the next link. Anywhere else it is an
    item like any other.
    """
    history = base
    for source in items:
        item = _members(source)
        if history == EMPTY_HISTORY and item.get("type") == "compaction" and item.get("covers") is not None:
            history, length = _covers(item["covers"])
        history = extend(history, item_digest(item))
        length += 1
    return history, length


def canonical_item(item: Source) -> dict[str, Any]:
    """Return the item's canonical form, ready for RFC 8785.

    Of a known item the members marked `x-digest` go in, nulls left out; of an open item everything but
    `id`, `status` and `encrypted_content`. Raises `ValueError` where such a member has no canonical form.
    """
    members = _members(item)
    kind = members.get("type")
    if not isinstance(kind, str):
        raise ValueError(f"an item's `type` must be a string, got {_named(kind)}")
    record = _tables().items.get(kind)
    if record is None:
        return {name: _open(value, _DEPTH - 1) for name, value in members.items() if name not in _OPEN_ITEM_LEAVES}
    content = members.get("content")
    if kind == "message" and isinstance(content, str):
        # The one rule that no annotation says: a text equals its one-part form.
        part = "output_text" if members.get("role") == "assistant" else "input_text"
        members = {**members, "content": [{"type": part, "text": content}]}
    return _known(record, members, kind)


def canonical_context(context: Source) -> dict[str, Any]:
    """Return the context's canonical form: every member, without nulls of those that the schema names.

    Nulls of a vendor's members, and nulls inside of tools and other values, stay.
    """
    members = _members(context)
    if "base" in members and "patch" in members:
        raise ValueError("a context patch has no digest of its own; apply it to its base first")
    named = _tables().context
    return {name: _open(value, _DEPTH - 1) for name, value in members.items() if value is not None or name not in named}


# --- the tables, read from the annotations -----------------------------------------------------


@dataclass(frozen=True)
class _Rule:
    """How one annotated member goes in: as text, as a list of `parts`, or as either."""

    text: bool
    parts: str | None = None  # name of the definition that the list's elements have
    required: bool = False


_Record: TypeAlias = dict[str, _Rule]


@dataclass(frozen=True)
class _Tables:
    items: dict[str, _Record]  # by an item's type
    parts: dict[str, dict[str, _Record]]  # by the definition, then by a part's type; open
    plain: dict[str, _Record]  # by the definition: elements with one form whatever their type
    context: frozenset[str]


@cache
def _tables() -> _Tables:
    defs = load("items.json")["$defs"]
    items = {kind: _record(defs, ref) for kind, ref in defs["KnownItem"]["discriminator"]["mapping"].items()}
    parts: dict[str, dict[str, _Record]] = {}
    plain: dict[str, _Record] = {}
    for name in {rule.parts for record in items.values() for rule in record.values() if rule.parts}:
        if "then" in defs[name]:  # an open union: known types by their table, others whole
            union = defs[_target(defs[name]["then"]["$ref"])]
            parts[name] = {kind: _record(defs, ref) for kind, ref in union["discriminator"]["mapping"].items()}
        else:
            plain[name] = _record(defs, name)
    return _Tables(items, parts, plain, frozenset(load("context.json")["$defs"]["TurnContext"]["properties"]))


def _record(defs: dict[str, Any], ref: str) -> _Record:
    body = defs[_target(ref)]
    required = set(body.get("required", ()))
    return {
        name: _rule(_target(ref), name, member, name in required)
        for name, member in body["properties"].items()
        if member.get("x-digest") is True
    }


def _rule(definition: str, name: str, member: dict[str, Any], required: bool) -> _Rule:
    text = False
    parts = None
    for form in member.get("oneOf", (member,)):
        types = form.get("type")
        for kind in types if isinstance(types, list) else (types,):
            if kind == "string":
                text = True
            elif kind == "array":
                parts = _target(form["items"]["$ref"])
            elif kind != "null":
                raise TypeError(f"items.json: {definition}.{name} is digested, but its form {kind!r} has no rule")
    return _Rule(text, parts, required)


def _target(ref: str) -> str:
    return ref.rsplit("/", 1)[-1]


# --- canonical forms ---------------------------------------------------------------------------


def _known(record: _Record, members: Mapping[str, Any], kind: str) -> dict[str, Any]:
    form: dict[str, Any] = {}
    for name, rule in record.items():
        value = members.get(name)
        if isinstance(value, str) and rule.text:
            form[name] = value
        elif isinstance(value, (list, tuple)) and rule.parts is not None:
            form[name] = [_part(rule.parts, part) for part in value]
        elif value is not None:
            raise ValueError(f"`{name}` of a {kind} has no canonical form: {_named(value)}")
        elif rule.required:
            raise ValueError(f"a {kind} has no digest without its `{name}`")
    return form


def _part(definition: str, part: Any) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if not isinstance(kind, str):
        raise ValueError(f"a part must be an object with a `type`, got {_named(part)}")
    record = _tables().plain.get(definition) or _tables().parts[definition].get(kind)
    if record is None:
        return {name: _open(value, _DEPTH - 3) for name, value in part.items()}  # in an item's list of parts
    return _known(record, part, kind)


def _open(value: Any, room: int) -> Any:
    """Return a copy of any JSON value whose numbers have one canonical writing, nested `room` deep at most."""
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
        if not 1e21 <= abs(double) < float("inf"):  # true for NaN too
            raise ValueError(
                f"a number has no digest ({_short(value)}): readers do not agree on integers beyond 2^53 - 1, and "
                "NaN and Infinity are no JSON; send it as a string"
            )
        return double
    return value


def _members(source: Source) -> Mapping[str, Any]:
    if isinstance(source, Mapping):
        return source
    value = strict_loads(bytes(source) if isinstance(source, msgspec.Raw) else source)
    if not isinstance(value, dict):
        raise ValueError(f"an item or a context must be an object, got {_named(value)}")
    return value


def _covers(covers: Any) -> tuple[str, int]:
    try:
        digest, length = covers["digest"], covers["length"]
    except (TypeError, KeyError):
        raise ValueError("`covers` of a compaction must have `digest` and `length`") from None
    if not isinstance(length, int) or isinstance(length, bool) or length < 0:
        raise ValueError(f"`covers.length` must be a whole number from 0, got {_named(length)}")
    return _written(_bytes(digest)), length


def _short(number: int | float) -> str:
    # CPython refuses to write integers of several thousand digits.
    return "a very long one" if isinstance(number, int) and number.bit_length() > 128 else repr(number)


def _named(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__


# --- bytes and strings -------------------------------------------------------------------------


def _digest(form: dict[str, Any]) -> str:
    if _is_plain(form):
        # Of such values msgspec writes what RFC 8785 says, in a fraction of the time: most items are of this kind.
        with suppress(UnicodeEncodeError):
            return _written(hashlib.sha256(_PLAIN.encode(form)).digest())
    try:
        text = rfc8785.dumps(form)
    except UnicodeEncodeError:
        raise ValueError("a member's name holds a lone surrogate") from None
    return _written(hashlib.sha256(text).digest())


_PLAIN = msgspec.json.Encoder(order="sorted")


def _is_plain(value: Any) -> bool:
    """Whether a value has no numbers, and no names that are sorted otherwise by UTF-16 than by code points."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is list:
        return all(map(_is_plain, value))
    return kind is dict and all(type(name) is str and name.isascii() and _is_plain(value[name]) for name in value)


def _written(digest: bytes) -> str:
    return PREFIX + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


_LAST = frozenset("AEIMQUYcgkosw048")  # a digest's last character has two bits to spare, which are none of it


def _bytes(digest: Any) -> bytes:
    if isinstance(digest, str) and digest.startswith(PREFIX) and len(digest) == len(EMPTY_HISTORY):
        try:
            raw = base64.b64decode(digest[len(PREFIX) :] + "=", altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) == 32 and digest[-1] in _LAST and "+" not in digest and "/" not in digest:
            return raw
    raise ValueError(f"not a digest: expected {PREFIX!r} and 43 characters of base64url, got {str(digest)[:80]!r}")
