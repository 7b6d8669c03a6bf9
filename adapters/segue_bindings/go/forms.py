"""How a form of the schema is said in Go: the type of a field, and what a member may be."""

from __future__ import annotations

import re
from dataclasses import dataclass

from segue_bindings import schema
from segue_bindings.schema import Schema, target

__all__ = ["Field", "Forms", "exported"]

_INITIALISMS = {"id": "ID", "url": "URL", "json": "JSON"}


def exported(name: str) -> str:
    """Return a member's or a value's name as Go exports it: `call_id` is `CallID`."""
    words = re.split(r"[^A-Za-z0-9]+", name)
    return "".join(_INITIALISMS.get(word, word[:1].upper() + word[1:]) for word in words)


@dataclass(frozen=True)
class Field:
    """A member of an object as Go sees it."""

    name: str  # as it stands in JSON
    type: str  # "" for a constant, which has no field
    prose: str
    required: bool
    nullable: bool
    one_of: bool
    constant: str | None = None

    @property
    def go(self) -> str:
        """The field's name."""
        return exported(self.name)

    @property
    def tag(self) -> str:
        """The field's tag: methods of our own read and write it, this tells a reader of the struct."""
        return f'`json:"{self.name}"`' if self.required else f'`json:"{self.name},omitempty"`'


class Forms:
    """Go types of forms; collects the types that inline forms need of their own."""

    def __init__(self, defs: dict[str, Schema]) -> None:
        """Take all definitions by name."""
        self.defs = defs
        self.enums: dict[str, tuple[list[str], str]] = {}  # inline enums: name -> values, prose
        self.texts_or: set[str] = set()  # definitions of which "a text or a list of these" is a type
        self.lists: set[str] = set()  # unions of which lists are a type

    def fields(self, name: str) -> list[Field]:
        """Return the members of an object's definition in their order."""
        body = self.defs[name]
        required = body.get("required", ())
        one_of = schema.exclusive(body) or ()
        fields = []
        for member, form in body["properties"].items():
            needed = member in required
            kind = "" if "const" in form else self.type(form, name + exported(member), form.get("description", ""))
            if kind and not needed and not _holds_nothing(self._plain(kind)):
                kind = "*" + kind  # nil is absent
            fields.append(
                Field(
                    name=member,
                    type=kind,
                    prose=form.get("description") or self._prose(form),
                    required=needed,
                    nullable=not needed and schema.takes_null(form),
                    one_of=member in one_of,
                    constant=form.get("const"),
                )
            )
        return fields

    def type(self, form: Schema, name: str, prose: str = "") -> str:
        """Return the Go type of a form; `name` is what an inline type of its own would be called."""
        if "$ref" in form:
            return target(form["$ref"])
        branches = [branch for branch in (*form.get("anyOf", ()), *form.get("oneOf", ())) if branch != {"type": "null"}]
        if len(branches) == 1:
            return self.type(branches[0], name, prose)
        if branches:
            return self._choice(branches)
        types = form.get("type", [])
        kinds = [kind for kind in (types if isinstance(types, list) else [types]) if kind != "null"]
        if len(kinds) != 1:
            return "json.RawMessage"
        return self._single(kinds[0], form, name, prose)

    def _single(self, kind: str, form: Schema, name: str, prose: str) -> str:
        if kind == "string" and "enum" in form:
            self.enums[name] = ([value for value in form["enum"] if value is not None], prose)
            return name
        if kind == "array":
            return self._list(form["items"], name)
        if kind == "integer":
            return "uint64" if form.get("minimum", -1) >= 0 else "int64"
        return {"string": "string", "boolean": "bool", "number": "float64", "object": "Object"}[kind]

    def _list(self, items: Schema, name: str) -> str:
        inner = self.type(items, name)
        if self._is_union(inner):
            self.lists.add(inner)
            return f"{inner}s"
        return f"[]{inner}"

    def _choice(self, branches: list[Schema]) -> str:
        """Return the type of a text or something else; other choices have none and are kept as bytes."""
        kinds = [branch.get("type") for branch in branches]
        if kinds == ["string", "object"]:
            return "TextOrObject"
        if kinds == ["string", "array"] and "$ref" in branches[1]["items"]:
            inner = target(branches[1]["items"]["$ref"])
            self.texts_or.add(inner)
            self._list(branches[1]["items"], inner)
            return f"TextOr{inner}s"
        return "json.RawMessage"

    def _is_union(self, name: str) -> bool:
        body = self.defs.get(name, {})
        return bool(schema.open_union(body) or schema.tagged_union(body))

    def _plain(self, kind: str) -> str:
        """Return what an alias of a definition stands for."""
        if kind == "JsonValue":
            return "json.RawMessage"
        if kind.endswith("s") and self._is_union(kind[:-1]):
            return f"[]{kind[:-1]}"
        body = self.defs.get(kind, {})
        return self.type(body, kind) if body.get("type") == "array" else kind

    def _prose(self, form: Schema) -> str:
        description: str = self.defs[target(form["$ref"])]["description"] if "$ref" in form else ""
        return description


def _holds_nothing(kind: str) -> bool:
    """Tell whether a type has a nil of its own, so that it needs no pointer to be absent."""
    return kind.startswith("[]") or kind in ("Object", "json.RawMessage")
