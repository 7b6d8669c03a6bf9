"""Go bindings by a small generator of our own: structs, enums, and interfaces for tagged unions.

Other generators flatten unions to one struct of optional members. Here each object is a struct, a union an
interface with a parser that looks at the `type`, a type that this version does not know an `Unknown` that
keeps its bytes, and members that it does not know are kept in `UnknownMembers`. Optional members are
pointers, and absent is never written as null. The output needs the standard library only (Go 1.19).
"""

from __future__ import annotations

import re

from segue_bindings import schema
from segue_bindings.digest_tables import Record, digest_tables
from segue_bindings.errors import BindingsError
from segue_bindings.go.files import types_file, unions_file
from segue_bindings.output import Files, banner, template

__all__ = ["generate"]


def generate(package: str = "segue") -> Files:
    """Return the files of a Go package of that name. Raises BindingsError where the name is none."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", package):
        raise BindingsError(f"{package!r} is no name of a Go package: lower case letters and digits, such as 'segue'")
    defs = schema.definitions()
    files = {
        "types.go": types_file(defs),
        "unions.go": unions_file(defs),
        "json.go": template("in-go/json.go"),
        "ijson.go": template("in-go/ijson.go"),
        "jcs.go": template("in-go/jcs.go"),
        "digest.go": template("in-go/digest.go", **_tables()),
    }
    return {name: _named(text, package) for name, text in files.items()}


def _named(text: str, package: str) -> str:
    # Go's own tools know a generated file by the form of this line.
    text = text.replace(banner(), f"Code g{banner().removeprefix('G').removesuffix('never edit.')}DO NOT EDIT.", 1)
    return re.sub(r"^package segue$", f"package {package}", text, count=1, flags=re.MULTILINE)


def _tables() -> dict[str, str]:
    tables = digest_tables()
    parts = "".join(f'\t"{name}": {_records(of, 1)},\n' for name, of in tables.parts.items())
    context = max(len(name) for name in tables.context)
    return {
        "ITEMS": _records(tables.items, 0),
        "PARTS": f"{{\n{parts}}}",
        "PLAIN": _records(tables.plain, 0),
        # gofmt aligns the values of such a list.
        "CONTEXT": "{\n" + "".join(f'\t"{name}": {"":{context - len(name)}}true,\n' for name in tables.context) + "}",
    }


def _records(records: dict[str, Record], depth: int) -> str:
    tabs = "\t" * depth
    text = "{\n"
    for kind, record in records.items():
        text += f'{tabs}\t"{kind}": {{\n'
        for name, rule in record.items():
            flags = f'{str(rule.text).lower()}, "{rule.parts}", {str(rule.required).lower()}'
            text += f'{tabs}\t\t{{"{name}", {flags}}},\n'
        text += f"{tabs}\t}},\n"
    return text + f"{tabs}}}"
