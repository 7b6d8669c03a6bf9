"""Compares two folders of schemas and names each breaking change, a line each; exits 1 where there is one.

    tools/check_compatibility.py schemas/1.0 schemas/1.1

What breaks is what spec/1.0/versions.md says that a minor version may not do, as far as schemas show it. Definitions
are compared by their names, wherever they stand: a move to another topic file breaks nobody. A change of a bound is
told in both directions: what an endpoint takes may not become narrower, what a client decodes may not become wider,
and a definition rarely says in which direction it travels. New messages, new optional members, and new values of a list
that nothing refers to (as that of the error codes, which are open) break nobody.

Exit codes: 0 compatible, 1 breaking changes, 2 the folders can't be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["breaking", "compare", "definitions", "main"]

# Words that say nothing about which values are valid; `x-` annotations of ours are looked at by name.
_PROSE = {"description", "title", "examples", "$comment", "$schema", "$id", "deprecated"}
_LOWER = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_UPPER = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
_BRANCHES = ("oneOf", "anyOf", "allOf", "prefixItems")
_CONDITIONS = ("if", "then", "else", "not", "contains", "propertyNames")
_NOWHERE = object()
_ADDED = "added to a closed set"


def definitions(folder: Path) -> dict[str, tuple[str, Any]]:
    """Return every definition of a folder as name -> (file, body); ValueError where a name stands in two files."""
    found: dict[str, tuple[str, Any]] = {}
    files = sorted(folder.glob("*.json"))
    if not files:
        raise ValueError(f"{folder}: no schema files")
    for path in files:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict) or "bundle" in path.name or "$defs" not in document:
            continue
        # What native.json adds on our own wires bears the names of what it adds to.
        prefix = "native." if path.name == "native.json" else ""
        for name, body in document["$defs"].items():
            if prefix + name in found:
                raise ValueError(f"{path}: `{name}` is defined in {found[prefix + name][0]} too")
            found[prefix + name] = (path.name, body)
    if not found:
        raise ValueError(f"{folder}: no definitions")
    return found


def breaking(old: Path, new: Path) -> list[str]:
    """Return a line for each breaking change between two folders, in the order of the definitions."""
    before, after = definitions(old), definitions(new)
    lines = []
    for name, (file, body) in before.items():
        if name not in after:
            lines.append(f"{name}: definition removed (it was in {file})")
            continue
        lines += [f"{name}{line}" for line in compare(body, after[name][1]) if not _free(name, line, before, after)]
    return lines


def _free(name: str, line: str, before: dict[str, tuple[str, Any]], after: dict[str, tuple[str, Any]]) -> bool:
    """Say whether an added value breaks nobody: of a list for readers, or of a new message on our own wires."""
    if _ADDED not in line:
        return False
    if name.startswith("native."):
        new = _message_types(after) - _message_types(before)
        return any(f"enum value {_short(kind)} {_ADDED}" in line for kind in new)
    everything = json.dumps([body for _, body in after.values()])
    return f'/$defs/{name}"' not in everything


def _message_types(found: dict[str, tuple[str, Any]]) -> set[str]:
    unions = [found[name][1] for name in ("ClientMessage", "ServerMessage") if name in found]
    return {kind for union in unions for kind in union.get("discriminator", {}).get("mapping", {})}


def compare(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """Yield each breaking change of one schema as `/place: what`."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        if old != new:
            yield f"{where}: changed from {_short(old)} to {_short(new)}"
        return
    yield from _members(old, new, where)
    yield from _values(old, new, where)
    yield from _bounds(old, new, where)
    yield from _nested(old, new, where)
    yield from _rest(old, new, where)


def _members(old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[str]:
    """Objects: no member goes, none becomes required, none is forbidden."""
    before, after = old.get("properties", {}), new.get("properties", {})
    for name, body in before.items():
        if name not in after:
            yield f"{where}/{name}: member removed"
        else:
            yield from compare(body, after[name], f"{where}/{name}")
    for name in [name for name in new.get("required", []) if name not in old.get("required", [])]:
        yield f"{where}/{name}: {'became required' if name in before else 'new required member'}"
    for name in [name for name in old.get("required", []) if name not in new.get("required", [])]:
        yield f"{where}/{name}: no longer required, a reader may count on it"
    for name in after.keys() - before.keys():
        if _digested(after[name]):
            yield f"{where}/{name}: new member with x-digest, old clients reckon another digest"
    if old.get("additionalProperties", True) is not False and new.get("additionalProperties", True) is False:
        yield f"{where}: additional members became forbidden"
    elif "additionalProperties" in old or "additionalProperties" in new:
        first, second = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if isinstance(first, dict) or isinstance(second, dict):
            yield from compare(first, second, f"{where}/additionalProperties")


def _digested(body: Any) -> bool:
    return isinstance(body, dict) and body.get("x-digest") is True


def _values(old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[str]:
    """Constants, enumerations, types and references."""
    if old.get("const", _NOWHERE) != new.get("const", _NOWHERE):
        yield f"{where}: {_change('const', old, new)}"
    if "enum" in old and "enum" in new:
        for value in old["enum"]:
            if value not in new["enum"]:
                yield f"{where}: enum value {_short(value)} removed"
        for value in new["enum"]:
            if value not in old["enum"]:
                yield f"{where}: enum value {_short(value)} {_ADDED}, old readers refuse it"
    elif "enum" in new:
        yield f"{where}: enum added, other values became invalid"
    elif "enum" in old:
        yield f"{where}: enum removed, old readers refuse other values"
    yield from _types(old, new, where)
    if old.get("$ref") != new.get("$ref") and _name(old.get("$ref")) != _name(new.get("$ref")):
        first, second = _name(old.get("$ref")) or "nothing", _name(new.get("$ref")) or "nothing"
        yield f"{where}: refers to {second}, formerly to {first}"
    if bool(old.get("x-digest")) != bool(new.get("x-digest")):
        yield f"{where}: {_change('x-digest', old, new)}"
    if old.get("default", _NOWHERE) != new.get("default", _NOWHERE):
        yield f"{where}: {_change('default', old, new)}"


def _types(old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[str]:
    before, after = _type_set(old), _type_set(new)
    if before is None and after is None:
        return
    if before is None:
        yield f"{where}: type narrowed to {_short(new['type'])}"
        return
    if after is None:
        yield f"{where}: type widened from {_short(old['type'])} to anything"
        return
    for kind in sorted(before - after):
        if not (kind == "integer" and "number" in after):
            yield f"{where}: type narrowed, {kind} is no longer valid"
    for kind in sorted(after - before):
        if not (kind == "integer" and "number" in before):
            yield f"{where}: type widened, {kind} became valid, old readers refuse it"


def _type_set(schema: dict[str, Any]) -> set[str] | None:
    kinds = schema.get("type")
    if kinds is None:
        return None
    return {kinds} if isinstance(kinds, str) else set(kinds)


def _bounds(old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[str]:
    for word in sorted(_LOWER | _UPPER):
        first, second = old.get(word), new.get(word)
        if first == second:
            continue
        if first is None:
            yield f"{where}: narrowed, {word} {_short(second)} added"
        elif second is None:
            yield f"{where}: widened, {word} {_short(first)} removed"
        else:
            narrower = second > first if word in _LOWER else second < first
            yield f"{where}: {'narrowed' if narrower else 'widened'}, {_change(word, old, new)}"
    for word in ("pattern", "format", "multipleOf", "uniqueItems"):
        if old.get(word) != new.get(word):
            yield f"{where}: {_change(word, old, new)}"


def _nested(old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[str]:
    if "items" in old and "items" in new:
        yield from compare(old["items"], new["items"], f"{where}/items")
    elif "items" in new:
        yield f"{where}/items: elements became constrained"
    elif "items" in old:
        yield f"{where}/items: elements are no longer constrained"
    for word in _BRANCHES:
        yield from _branches(word, old.get(word), new.get(word), where)
    for word in _CONDITIONS:
        if (word in old) != (word in new):
            yield f"{where}/{word}: condition {'removed' if word in old else 'added'}"
        elif word in old:
            yield from compare(old[word], new[word], f"{where}/{word}")


def _branches(word: str, old: list[Any] | None, new: list[Any] | None, where: str) -> Iterator[str]:
    """Branches are found again by what they refer to; others by their place."""
    if old is None and new is None:
        return
    if old is None or new is None:
        yield f"{where}/{word}: {'removed' if new is None else 'added'}"
        return
    before, after = _keyed(old), _keyed(new)
    for key, branch in before.items():
        if key not in after:
            yield f"{where}/{word}: branch {key} removed"
        else:
            yield from compare(branch, after[key], f"{where}/{word}/{key}")
    # Messages: an old side ignores or refuses a type that it does not know. Elsewhere a new branch is a new shape.
    if not (word == "oneOf" and isinstance(new, list) and all("$ref" in branch for branch in new)):
        for key in after.keys() - before.keys():
            yield f"{where}/{word}: branch {key} added"


def _keyed(branches: list[Any]) -> dict[str, Any]:
    return {_name(one.get("$ref")) or str(at): one for at, one in enumerate(branches)}


def _name(ref: str | None) -> str | None:
    return None if ref is None else ref.rsplit("/", 1)[1]


def _rest(old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[str]:
    """Words that nothing above has looked at: any change of them is told, so that none passes unseen."""
    known = _PROSE | _LOWER | _UPPER | {*_BRANCHES, *_CONDITIONS}
    known |= {"properties", "required", "additionalProperties", "const", "enum", "type", "$ref", "x-digest", "default"}
    known |= {"items", "pattern", "format", "multipleOf", "uniqueItems"}
    if "discriminator" in old or "discriminator" in new:
        known.add("discriminator")
        yield from _discriminator(old.get("discriminator"), new.get("discriminator"), where)
    for word in sorted((old.keys() | new.keys()) - known):
        if old.get(word, _NOWHERE) != new.get(word, _NOWHERE):
            yield f"{where}/{word}: changed"


def _discriminator(old: Any, new: Any, where: str) -> Iterator[str]:
    if not isinstance(old, dict) or not isinstance(new, dict):
        yield f"{where}: discriminator {'removed' if new is None else 'added'}"
        return
    if old.get("propertyName") != new.get("propertyName"):
        yield f"{where}: discriminator's {_change('propertyName', old, new)}"
    before, after = old.get("mapping", {}), new.get("mapping", {})
    for value, ref in before.items():
        if value not in after:
            yield f"{where}: type {_short(value)} removed"
        elif _name(ref) != _name(after[value]):
            yield f"{where}: type {_short(value)} means {_name(after[value])}, formerly {_name(ref)}"


def _change(word: str, old: dict[str, Any], new: dict[str, Any]) -> str:
    return f"{word} changed from {_short(old.get(word, _NOWHERE))} to {_short(new.get(word, _NOWHERE))}"


def _short(value: Any) -> str:
    if value is _NOWHERE:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def main(argv: list[str] | None = None) -> int:
    """Compare and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path, metavar="OLD", help="the folder of the older version")
    parser.add_argument("new", type=Path, metavar="NEW", help="the folder of the newer version")
    args = parser.parse_args(argv)
    try:
        lines = breaking(args.old, args.new)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    for line in lines:
        print(line)
    if not lines:
        print(f"no breaking change between {args.old} and {args.new}")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
