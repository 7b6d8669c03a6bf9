"""Reads and writes the dataclasses: JSON in, JSON out, nothing lost.

<BANNER>
"""

from __future__ import annotations

import dataclasses
import json
import types
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints, overload

from . import models
from ._base import Members

T = TypeVar("T")

# By class: the optional members that may be null. All others may only be absent.
_NULLABLE: dict[str, list[str]] = {}  # <NULLABLE>
# Classes that may have no other members than their own.
_CLOSED: list[str] = []  # <CLOSED>


@overload
def read(kind: type[T], data: bytes | str) -> T: ...
@overload
def read(kind: Any, data: bytes | str) -> Any: ...
def read(kind: Any, data: bytes | str) -> Any:
    """Return the JSON text as `kind`: a class or an alias of `models`, such as `models.ServerMessage`.

    Raises `ValueError` where the text is no JSON, a required member is missing, a member has another
    type, or a tag is none of a closed union's. Patterns and bounds are not checked.
    """
    return load(kind, json.loads(data))


def write(value: Any) -> bytes:
    """Return a dataclass, or whatever holds some, as JSON in UTF-8."""
    return json.dumps(dump(value), ensure_ascii=False, separators=(",", ":")).encode()


def load(kind: Any, value: Any, at: str = "$") -> Any:
    """Return a parsed JSON value as `kind`. Raises `ValueError`; `at` is the path that it names."""
    if kind is Any:
        return value
    origin = get_origin(kind)
    if origin is Literal:
        if value not in get_args(kind) or isinstance(value, bool):
            raise ValueError(f"{at}: expected one of {', '.join(map(repr, get_args(kind)))}, got {value!r:.80}")
        return value
    if origin in (types.UnionType, Union):
        return _union(get_args(kind), value, at)
    if origin is list:
        _expect(isinstance(value, list), "a list", value, at)
        return [load(get_args(kind)[0], element, f"{at}[{n}]") for n, element in enumerate(value)]
    if origin is dict:
        _expect(isinstance(value, dict), "an object", value, at)
        return {name: load(get_args(kind)[1], member, f"{at}.{name}") for name, member in value.items()}
    if isinstance(kind, type) and issubclass(kind, Members):
        _expect(isinstance(value, dict), f"an object ({kind.__name__})", value, at)
        return _object(kind, value, at)
    if kind is float:
        _expect(isinstance(value, (int, float)) and not isinstance(value, bool), "a number", value, at)
        return value
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)  # 1.0 is an integer to JSON Schema
    if kind is types.NoneType:
        _expect(value is None, "null", value, at)
        return value
    _expect(type(value) is kind, f"a value of type {kind.__name__}", value, at)
    return value


def dump(value: Any) -> Any:
    """Return a value with each dataclass as the object that `json.dumps` writes."""
    if isinstance(value, list):
        return [dump(element) for element in value]
    if isinstance(value, dict):
        return {name: dump(member) for name, member in value.items()}
    if not isinstance(value, Members):
        return value
    written: dict[str, Any] = {}
    kind: Any = type(value)
    for member in _members(kind):
        inner = getattr(value, member.field)
        if inner is not None or member.required or member.name in value.null_members:
            written[member.name] = dump(inner)
    return written | value.unknown_members


# --- classes ------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Member:
    field: str
    name: str  # as it stands in JSON
    kind: Any
    required: bool
    nullable: bool


@cache
def _members(kind: Any) -> tuple[_Member, ...]:
    hints = get_type_hints(kind, vars(models))
    base = {field.name for field in dataclasses.fields(Members)}
    return tuple(
        _Member(
            field.name,
            # A word of Python's own has an underscore behind it: `from_`.
            field.name.removesuffix("_"),
            hints[field.name],
            field.default is dataclasses.MISSING,
            field.name.removesuffix("_") in _NULLABLE.get(kind.__name__, ()),
        )
        for field in dataclasses.fields(kind)
        if field.name not in base
    )


def _object(kind: Any, value: dict[str, Any], at: str) -> Any:
    left = dict(value)
    given: dict[str, Any] = {}
    nulls = set()
    for member in _members(kind):
        if member.name not in left:
            if member.required:
                raise ValueError(f"{at}: {kind.__name__} needs `{member.name}`")
            continue
        inner = left.pop(member.name)
        if inner is None and not member.required:
            if not member.nullable:
                raise ValueError(f"{at}.{member.name}: may be absent, but not null")
            nulls.add(member.name)
        given[member.field] = load(member.kind, inner, f"{at}.{member.name}")
    if left and kind.__name__ in _CLOSED:
        raise ValueError(f"{at}: {kind.__name__} has no `{next(iter(left))}`")
    return kind(**given, unknown_members=left, null_members=frozenset(nulls))


def _union(kinds: tuple[Any, ...], value: Any, at: str) -> Any:
    classes = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Members)]
    if isinstance(value, dict) and classes:
        return _object(_class_of(classes, value, at), value, at)
    faults = []
    for kind in kinds:
        if kind in classes:
            continue
        try:
            return load(kind, value, at)
        except ValueError as error:
            faults.append(str(error))
    raise ValueError(faults[0] if len(faults) == 1 else f"{at}: no form fits {value!r:.80}")


def _class_of(classes: list[Any], value: dict[str, Any], at: str) -> Any:
    """A tag decides where there is one; else the first class whose required members are all there."""
    tags: dict[str, Any] = {}
    others = []
    for kind in classes:
        tag = next((member.kind for member in _members(kind) if member.name == "type"), None)
        if get_origin(tag) is Literal:
            tags[get_args(tag)[0]] = kind
        else:
            others.append(kind)
    tag = value.get("type")
    if isinstance(tag, str) and tag in tags:
        return tags[tag]
    if tags and not others:
        raise ValueError(f"{at}.type: expected one of {', '.join(tags)}, got {tag!r:.80}")
    return next((k for k in others if all(m.name in value for m in _members(k) if m.required)), others[-1])


def _expect(fits: bool, what: str, value: Any, at: str) -> None:
    if not fits:
        raise ValueError(f"{at}: expected {what}, got {value!r:.80}")
