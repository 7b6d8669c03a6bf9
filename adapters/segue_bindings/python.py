"""Python bindings through datamodel-code-generator, in four styles.

What a style keeps of a message that a later version or a vendor wrote:

- `msgspec`: items, contexts and JSON values stay received bytes (`msgspec.Raw`); unknown members of messages go.
- `pydantic`: everything; written back with `exclude_unset=True`.
- `dataclasses`: everything, through the reader and writer that are generated beside them.
- `typeddict`: everything: the values stay what `json.loads` made.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from segue_bindings import schema
from segue_bindings.digest_tables import Record, digest_tables
from segue_bindings.errors import GeneratorFailed, MissingToolchain
from segue_bindings.output import Files, banner, template

__all__ = ["GENERATOR", "STYLES", "generate"]

GENERATOR = "0.89.0"
"""The one version of datamodel-code-generator whose output is proved."""

# Open values of the msgspec style: a union with an open branch makes msgspec's decoder raise.
_RAW = ("Item", "ContentPart", "ContextForm", "JsonValue")


@dataclass(frozen=True)
class _Style:
    kind: str  # datamodel-code-generator's name of it
    open_items: bool = True  # open unions become unions with a fallback; else opaque values
    opaque: str = "typing.Any"
    options: tuple[str, ...] = ()
    beside: Mapping[str, str] = field(default_factory=dict)  # generated file -> template
    finish: Callable[[str], str] = str


def _ends_of_text(text: str) -> str:
    # Python's `$` also matches before a last line feed; a schema's (ECMA-262) does not.
    return re.sub(r"\$'", r"\\\\Z'", text)


def _relative(text: str) -> str:
    # The generator takes no relative path for a base class; the output is a package of any name.
    return re.sub(r"^from segue_base import ", "from ._base import ", text, flags=re.MULTILINE)


STYLES: Mapping[str, _Style] = {
    "msgspec": _Style("msgspec.Struct", open_items=False, opaque="msgspec.Raw", finish=_ends_of_text),
    "pydantic": _Style(
        "pydantic_v2.BaseModel",
        options=("--base-class", "segue_base.Model", "--use-type-alias", "--target-pydantic-version", "2.11"),
        beside={"_base.py": "pydantic_base.py"},
        finish=_relative,
    ),
    "dataclasses": _Style(
        "dataclasses.dataclass",
        options=("--base-class", "segue_base.Members", "--keyword-only"),
        beside={"_base.py": "dataclasses_base.py", "codec.py": "dataclasses_codec.py"},
        finish=_relative,
    ),
    "typeddict": _Style(
        "typing.TypedDict",
        options=("--no-use-closed-typed-dict", "--import-overrides", '{"TypedDict": "typing"}'),
    ),
}
"""The styles by name; the first one is the default."""


def generate(style: str) -> Files:
    """Return the files of a Python package in one of the STYLES.

    Raises MissingToolchain where the generator is not installed in the one proved version.
    """
    _need_generator()
    chosen = STYLES[style]
    files = {
        "__init__.py": f'"""Client bindings of Segue, style {style}.\n\n{banner()}\n"""\n',
        "models.py": _header(style) + chosen.finish(_models(chosen)),
        "digest.py": template("in-python/digest.py.in", **_tables()),
    }
    defs = schema.definitions()
    closed = [name for name, body in defs.items() if body.get("additionalProperties") is False]
    for name, source in chosen.beside.items():
        files[name] = template(f"in-python/{source}.in", NULLABLE=_literal(_nullable(defs)), CLOSED=_literal(closed))
    return files


def _need_generator() -> None:
    install = f"pip install 'datamodel-code-generator=={GENERATOR}'"
    try:
        found = metadata.version("datamodel-code-generator")
    except metadata.PackageNotFoundError:
        what = f"Python bindings are written by datamodel-code-generator {GENERATOR}, which is not installed"
        raise MissingToolchain(what, f"pip install 'segue-protocol[bindings]'\n\nor\n\n  {install}") from None
    if found != GENERATOR:
        # Each release changes what it writes; what is written here is what the tests proved.
        raise MissingToolchain(
            f"the bindings are proved with datamodel-code-generator {GENERATOR}, not {found}", install
        )


def _header(style: str) -> str:
    return f'"""Models of Segue, style {style}.\n\n{banner()}\n"""\n\n'


def _models(style: _Style) -> str:
    with tempfile.TemporaryDirectory() as tmp:
        source, written = Path(tmp, "segue.bundle.json"), Path(tmp, "models.py")
        prepared = _prepared(style)
        opaque = {name: style.opaque for name in (_RAW if not style.open_items else ("JsonValue",))}
        source.write_text(json.dumps(prepared), encoding="utf-8")
        command = [
            sys.executable, "-W", "ignore", "-m", "datamodel_code_generator",
            "--input", str(source), "--input-file-type", "jsonschema", "--output", str(written),
            "--output-model-type", style.kind, "--target-python-version", "3.11",
            "--type-overrides", json.dumps(opaque),
            "--use-annotated", "--use-standard-collections", "--use-union-operator", "--disable-timestamp",
            "--use-schema-description", "--field-constraints", "--collapse-root-models",
            "--enum-field-as-literal", "all", "--formatters", "builtin", *style.options,
        ]  # fmt: skip
        # In an empty folder: the generator would read the options of a pyproject.toml of the user's.
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp)
        if done.returncode:
            raise GeneratorFailed("datamodel-code-generator", done.stderr)
        text = written.read_text(encoding="utf-8")
    body = "from __future__" + text.split("from __future__", 1)[1]
    # The root of the bundle is a union of everything: no model.
    return re.sub(r"^(class )?Segue10Bundled\b.*\n(?:[ )].*\n)*\n\n", "", body, flags=re.MULTILINE)


def _prepared(style: _Style) -> schema.Schema:
    defs = schema.definitions()
    made: dict[str, schema.Schema] = {}
    for name, body in defs.items():
        union = schema.open_union(body)
        branches = schema.choices(body)
        if name == "JsonValue" or (not style.open_items and name in _RAW):
            made[name] = {"type": "object"}  # overridden by an opaque type
        elif union is not None:
            made[f"Open{name}"] = _open(name, union)
            known = {"$ref": f"#/$defs/{union.known}"}
            made[name] = {"anyOf": [known, {"$ref": f"#/$defs/Open{name}"}]}
        elif branches is not None:
            made[name] = {"anyOf": [{"$ref": branch["$ref"]} for branch in branches]}
        else:
            made[name] = schema.strip(body, prose=False)
    if not style.open_items:
        # A bundle's context is kept whole, members that nobody knows too: a Struct would lose them.
        made["Bundle"]["properties"]["context"] = {"$ref": "#/$defs/ContextForm"}
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "title": "Segue 1.0, bundled", "$defs": made}


def _open(name: str, union: schema.OpenUnion) -> schema.Schema:
    # A known type that is malformed must not slip through as an open one.
    others = f"^(?!(?:{'|'.join(union.types)})\\Z)."
    return {
        "type": "object",
        "description": f"A type of {name} that this version does not know: kept whole, never renamed.",
        "required": ["type"],
        "properties": {"type": {"type": "string", "minLength": 1, "pattern": others}},
    }


def _nullable(defs: Mapping[str, schema.Schema]) -> dict[str, list[str]]:
    """Return by definition the optional members that may be null; all others may only be absent."""
    found: dict[str, list[str]] = {}
    for name, body in defs.items():
        members = [member for member, form in body.get("properties", {}).items() if schema.takes_null(form)]
        if members:
            found[name] = members
    return found


# --- literals -----------------------------------------------------------------------------------


def _tables() -> dict[str, str]:
    tables = digest_tables()
    return {
        "ITEMS": _literal(_records(tables.items)),
        "PARTS": _literal({name: _records(records) for name, records in tables.parts.items()}),
        "PLAIN": _literal(_records(tables.plain)),
        "CONTEXT": _literal(tables.context),
    }


def _records(records: Mapping[str, Record]) -> dict[str, dict[str, tuple[bool, str, bool]]]:
    return {
        kind: {name: (rule.text, rule.parts, rule.required) for name, rule in record.items()}
        for kind, record in records.items()
    }


def _literal(value: object, room: int = 80, indent: str = "") -> str:
    """Return plain data as Python: on one line where it fits, else a line for each element."""
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, tuple):
        return f"({', '.join(_literal(element) for element in value)})"
    if not isinstance(value, (dict, list)):
        return repr(value)
    inner = indent + "    "
    left, right = "{}" if isinstance(value, dict) else "[]"
    names = [f"{json.dumps(name)}: " for name in value] if isinstance(value, dict) else [""] * len(value)
    elements = value.values() if isinstance(value, dict) else value
    written = [name + _literal(element, 85, inner) for name, element in zip(names, elements, strict=True)]
    line = f"{left}{', '.join(written)}{right}"
    if len(indent) + len(line) <= room:
        return line
    return f"{left}\n" + "".join(f"{inner}{element},\n" for element in written) + f"{indent}{right}"
