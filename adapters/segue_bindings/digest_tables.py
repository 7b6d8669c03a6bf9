"""What goes into a digest, read from the schemas' annotation `x-digest` and kept apart from any language.

The helpers that are generated beside the models have no list of members of their own: it is written
into them from here, so that a helper and the schemas can't disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from segue_bindings import schema

__all__ = ["DigestTables", "Record", "Rule", "digest_tables"]


@dataclass(frozen=True)
class Rule:
    """How one member goes in: as text, as a list of `parts`, or as either."""

    text: bool
    parts: str = ""  # name of the definition that the list's elements have
    required: bool = False


Record: TypeAlias = dict[str, Rule]


@dataclass(frozen=True)
class DigestTables:
    """All that a digest helper needs to know of the schemas."""

    items: dict[str, Record]  # by an item's type
    parts: dict[str, dict[str, Record]]  # by the definition, then by a part's type; other types go in whole
    plain: dict[str, Record]  # by the definition: elements with one form whatever their type
    context: list[str]  # members of a context whose nulls stay out


def digest_tables() -> DigestTables:
    """Return the tables of this version of the schemas."""
    defs = schema.definitions()
    items = _records(defs, "KnownItem")
    parts: dict[str, dict[str, Record]] = {}
    plain: dict[str, Record] = {}
    for name in sorted({rule.parts for record in items.values() for rule in record.values() if rule.parts}):
        union = schema.open_union(defs[name])
        if union:
            parts[name] = _records(defs, union.known)
        else:
            plain[name] = _record(defs[name])
    return DigestTables(items, parts, plain, list(defs["TurnContext"]["properties"]))


def _records(defs: dict[str, schema.Schema], union: str) -> dict[str, Record]:
    tags = schema.tagged_union(defs[union])
    if tags is None:
        raise TypeError(f"{union} is no tagged union any more; the digest helpers need one")
    return {tag: _record(defs[name]) for tag, name in tags.items()}


def _record(body: schema.Schema) -> Record:
    required = body.get("required", ())
    return {
        name: _rule(name, member, name in required)
        for name, member in body["properties"].items()
        if member.get("x-digest") is True
    }


def _rule(name: str, member: schema.Schema, required: bool) -> Rule:
    text, parts = False, ""
    for form in member.get("oneOf", (member,)):
        types = form.get("type")
        for kind in types if isinstance(types, list) else (types,):
            if kind == "string":
                text = True
            elif kind == "array":
                parts = schema.target(form["items"]["$ref"])
            elif kind != "null":
                raise TypeError(f"`{name}` is digested, but its form {kind!r} has no rule in the helpers")
    return Rule(text, parts, required)
