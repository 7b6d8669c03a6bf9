"""Finds the schemas of this version and validates against them; never fetches anything.

The files travel with the package: in a wheel they lie beside this module, in the repository one
folder up. The `$id`s are names, not places to download from.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema.protocols import Validator
    from referencing import Registry

__all__ = ["VERSION", "load", "registry", "validator"]

VERSION = "1.0"
"""Version of the protocol that these schemas and models describe."""

_BASE = f"https://segue.example/schemas/{VERSION}/"


@cache
def _folder() -> Path:
    here = Path(__file__).resolve().parent
    for folder in (here / VERSION, here.parent / VERSION):
        if (folder / "items.json").is_file():
            return folder
    raise FileNotFoundError(
        f"the schemas of Segue {VERSION} are neither in {here / VERSION} nor in {here.parent / VERSION}; "
        "install the package again"
    )


@cache
def load(name: str) -> Any:
    """Return the parsed schema file of that name, such as `items.json`. Shared: not to be changed."""
    if "/" in name or "\\" in name or not name.endswith(".json"):
        raise ValueError(f"{name!r} is no schema file's name; expected one such as 'items.json'")
    path = _folder() / name
    if not path.is_file():
        raise ValueError(f"Segue {VERSION} has no schema file {name!r}")
    return json.loads(path.read_text(encoding="utf-8"))


@cache
def registry() -> Registry[Any]:
    """Return the registry that resolves references between the schema files, and refuses all others."""
    from referencing import Registry, Resource

    files = sorted(path.name for path in _folder().glob("*.json"))
    return Registry().with_resources((load(name)["$id"], Resource.from_contents(load(name))) for name in files)


@cache
def validator(ref: str) -> Validator:
    """Return the validator of one definition, such as `server.json#/$defs/ServerMessage`.

    It reads patterns as JSON Schema means them (ECMA-262): `$` is the end of the text. Python's own
    `$` also matches before a last line feed and would let a name through that ends in one.
    """
    import re

    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    def pattern(_: Any, expression: str, instance: object, __: Any) -> Any:
        if isinstance(instance, str) and not re.search(_to_python(expression), instance):
            yield ValidationError(f"{instance!r} does not match {expression!r}")

    resolver = registry().resolver(_BASE)
    resolver.lookup(ref)  # a wrong name is told now, not at the first message
    made: type[Validator] = extend(Draft202012Validator, {"pattern": pattern})  # type: ignore[no-untyped-call]
    return made({"$ref": _BASE + ref}, registry=registry())


def _to_python(expression: str) -> str:
    # The schemas anchor whole texts only: a `$` stands last or not at all.
    return expression[:-1] + r"\Z" if expression.endswith("$") else expression
