"""Reads the bundled schema as a code generator needs it.

Generators know objects, enums and tagged unions; they don't know JSON Schema's conditions. Segue's
schemas use conditions for two things only, and both are said here in words that generators have:

- an *open union* (`Item`, `ContentPart`): known types by their definition, any other type kept whole;
- a *choice by shape* (`ContextForm`): a digest, a patch or a whole context.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, TypeAlias

from segue_schemas import load

__all__ = [
    "OpenUnion",
    "Schema",
    "choices",
    "definitions",
    "exclusive",
    "open_union",
    "strip",
    "tagged_union",
    "takes_null",
    "target",
]

Schema: TypeAlias = dict[str, Any]

# What no type says: conditions, annotations, examples.
_WORDLESS = frozenset({"if", "then", "else", "not", "dependentRequired", "examples", "x-digest", "$comment"})


@dataclass(frozen=True)
class OpenUnion:
    """A definition whose known types are a closed union and whose other types are kept whole."""

    known: str  # name of the closed union's definition
    types: tuple[str, ...]  # the types that it knows


def definitions() -> dict[str, Schema]:
    """Return all definitions by name, with local references; the caller's own copy."""
    defs: dict[str, Schema] = copy.deepcopy(load("segue.bundle.json")["$defs"])
    return defs


def target(ref: str) -> str:
    """Return the name of the definition that a reference names."""
    return ref.rsplit("/", 1)[-1]


def tagged_union(body: Schema) -> dict[str, str] | None:
    """Return a tagged union's definitions by their tag, or None where the definition is none."""
    discriminator = body.get("discriminator")
    if discriminator is None:
        return None
    return {tag: target(ref) for tag, ref in discriminator["mapping"].items()}


def open_union(body: Schema) -> OpenUnion | None:
    """Return what an open union knows, or None where the definition is none."""
    types = body.get("if", {}).get("properties", {}).get("type", {}).get("enum")
    if types is None or "else" in body:
        return None
    return OpenUnion(target(body["then"]["$ref"]), tuple(types))


def choices(body: Schema) -> list[Schema] | None:
    """Return the branches of a chain of conditions in their order, or None where the definition has none.

    Each is `{"if": condition, "$ref": ...}`; the last one has no condition.
    """
    if "else" not in body:
        return None
    return [{"if": body["if"], **body["then"]}, *(choices(body["else"]) or [body["else"]])]


def exclusive(body: Schema) -> list[str] | None:
    """Return the members of which an object has exactly one, or None where there is no such rule."""
    branches = body.get("oneOf", [])
    if branches and all(set(branch) == {"required"} and len(branch["required"]) == 1 for branch in branches):
        return [branch["required"][0] for branch in branches]
    return None


def strip(node: Any, *, prose: bool = True) -> Any:
    """Return a copy without what no type says: conditions, annotations, one-of-these-members.

    Without `prose` only the descriptions of whole objects stay.
    """
    return _strip(node, prose, top=True)


def _strip(node: Any, prose: bool, top: bool = False) -> Any:
    if isinstance(node, list):
        return [_strip(value, prose) for value in node]
    if not isinstance(node, dict):
        return node
    kept = {}
    for key, value in node.items():
        if key in _WORDLESS or (key == "oneOf" and exclusive(node)):
            continue
        if key == "description" and isinstance(value, str) and not prose and not (top and "properties" in node):
            continue
        if key == "properties":
            kept[key] = {name: _strip(body, prose) for name, body in value.items()}
        else:
            kept[key] = _strip(value, prose)
    return kept


def takes_null(form: Schema) -> bool:
    """Tell whether a member of this form may be null."""
    if not set(form) - _WORDLESS - {"description"} or form.get("$ref") == "#/$defs/JsonValue":
        return True  # any JSON value
    types = form.get("type")
    if types is not None:
        return types == "null" or "null" in types
    return any(takes_null(branch) for branch in form.get("anyOf", ()))
