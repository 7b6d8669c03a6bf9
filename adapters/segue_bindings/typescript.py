"""TypeScript bindings through json-schema-to-typescript: types only, and a digest helper.

Tagged unions stay tagged. Items, content parts and contexts keep members that this version does not know
(an index signature); messages have none, so that a mistyped name is an error. An open union's other types
are a branch of their own whose `type` no string literal fits by chance: a known type that is malformed
does not slip through as an open one, and `isKnownItem` parts the two.
"""

from __future__ import annotations

import json
import re
from typing import Any

from segue_bindings import npm, schema
from segue_bindings.digest_tables import DigestTables, Record, digest_tables
from segue_bindings.output import Files, banner, template

__all__ = ["generate"]

_BRAND = "declare const open: unique symbol;\n"


def generate() -> Files:
    """Return `models.ts` and `digest.ts`.

    Raises MissingToolchain without Node and npm, GeneratorFailed where npm or the generator fails.
    """
    defs = schema.definitions()
    types = _tidied(npm.run(json.dumps(_prepared(defs))))
    models = f"// Types of Segue's messages.\n// {banner()}\n\n{_BRAND}\n{types}{_guards(defs)}"
    return {"models.ts": models, "digest.ts": template("in-typescript/digest.ts", **_tables(digest_tables()))}


# --- the schema as the generator needs it -------------------------------------------------------


def _prepared(defs: dict[str, schema.Schema]) -> schema.Schema:
    open_objects = _open_objects(defs)
    made: dict[str, Any] = {}
    for name, body in defs.items():
        union = schema.open_union(body)
        branches = schema.choices(body)
        one_of = schema.exclusive(body)
        prose = {"description": body["description"]}
        if name == "JsonValue":
            made[name] = {**prose, "tsType": "unknown"}
        elif union is not None:
            made[f"Open{name}"] = _open(name)
            made[name] = {**prose, "tsType": f"{union.known} | Open{name}"}
        elif branches is not None:
            made[name] = {**prose, "tsType": " | ".join(schema.target(branch["$ref"]) for branch in branches)}
        elif one_of:
            for member in one_of:
                made[_alternative(name, member)] = _form(_narrowed(body, member, one_of), name in open_objects)
            made[name] = {**prose, "tsType": " | ".join(_alternative(name, member) for member in one_of)}
        else:
            made[name] = _form(schema.strip(body), name in open_objects)
    return {"$defs": made}


def _open_objects(defs: dict[str, schema.Schema]) -> set[str]:
    """Return the definitions whose unknown members are kept: all that an item or a context is made of."""
    found: set[str] = set()
    left = ["Item", "TurnContext"]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += re.findall(r'"#/\$defs/(\w+)"', json.dumps(defs[name]))
    return found


def _open(name: str) -> schema.Schema:
    return {
        "type": "object",
        "description": f"A type of {name} that this version does not know: kept whole, never renamed.",
        "required": ["type"],
        "properties": {"type": {"tsType": f"Open{name}Type"}},
        "additionalProperties": True,
    }


def _alternative(name: str, member: str) -> str:
    return f"{name}With{''.join(word.capitalize() for word in member.split('_'))}"


def _narrowed(body: schema.Schema, chosen: str, one_of: list[str]) -> schema.Schema:
    """Return the form of an object that has this one of its exclusive members."""
    form: schema.Schema = schema.strip(body)
    form["required"] = [*form["required"], chosen]
    form["description"] = f"{body['description']} This form has `{chosen}`."
    for other in one_of:
        if other != chosen:
            form["properties"][other] = {"tsType": "never"}
    return form


def _form(node: Any, open_object: bool = False) -> Any:
    """Return a form whose references are names of types; nested objects without members hold anything."""
    if isinstance(node, list):
        return [_form(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        prose = {"description": node["description"]} if "description" in node else {}
        return {**prose, "tsType": schema.target(node["$ref"])}
    form = {key: _form(value) for key, value in node.items() if key not in ("properties", "discriminator")}
    if "properties" in node:
        form["properties"] = {name: _form(member) for name, member in node["properties"].items()}
        form.setdefault("additionalProperties", open_object)
    elif "object" in _types(node):
        form["additionalProperties"] = True
    if prefix := re.match(r"\^([a-z0-9]+-[a-z0-9]+:)\[", str(node.get("pattern"))):
        form["tsType"] = f"`{prefix[1]}${{string}}`"  # the name of a canonical form stands before each digest
    return form


def _types(node: schema.Schema) -> list[str]:
    types = node.get("type", [])
    return types if isinstance(types, list) else [types]


def _tidied(text: str) -> str:
    """Take out the bundle's root and the generator's remark at each type; a blank line before each."""
    text = re.sub(r"^export interface Segue \{\n.*?^\}\n", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r" \*\n \* This interface was referenced by `Segue`'s JSON-Schema\n \* via .*\n", "", text)
    return re.sub(r"(?<=[;}]\n)\n*/\*\*", r"\n/**", text)


# --- what is no type ----------------------------------------------------------------------------


def _guards(defs: dict[str, schema.Schema]) -> str:
    text = ""
    for name, body in defs.items():
        union = schema.open_union(body)
        if union is not None:
            constant = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper() + "_TYPES"
            types = "".join(f"  {json.dumps(kind)},\n" for kind in union.types)
            text += _GUARD.format(name=name, known=union.known, constant=constant, types=types)
    return text


_GUARD = """
/** A type that this version does not know, made by `open{name}Type`: no literal is one by chance. */
export type Open{name}Type = string & {{ readonly [open]: "{name}" }};

const {constant}: ReadonlySet<string> = new Set<{known}["type"]>([
{types}]);

/** Tells whether this version knows the type; what is left is an `Open{name}`. */
export function is{known}(value: {name}): value is {known} {{
  return {constant}.has(value.type);
}}

/** Returns the type for an `Open{name}`; throws for an empty one, and for one that has a form of its own. */
export function open{name}Type(type: string): Open{name}Type {{
  if (type === "" || {constant}.has(type)) throw new TypeError(`${{JSON.stringify(type)}} is no open type`);
  return type as Open{name}Type;
}}
"""


def _tables(tables: DigestTables) -> dict[str, str]:
    def records(of: dict[str, Record]) -> dict[str, Any]:
        return {kind: {name: vars(rule) for name, rule in record.items()} for kind, record in of.items()}

    return {
        "ITEMS": _literal(records(tables.items)),
        "PARTS": _literal({name: records(of) for name, of in tables.parts.items()}),
        "PLAIN": _literal(records(tables.plain)),
        "CONTEXT": _literal(tables.context),
    }


def _literal(value: object) -> str:
    text = json.dumps(value, indent=2)
    # One line for each member.
    return re.sub(r"\{\s+(\"text\": \w+),\s+(\"parts\": \"\w*\"),\s+(\"required\": \w+)\s+\}", r"{ \1, \2, \3 }", text)
