"""Proof of the TypeScript bindings: a strict compiler takes them, they refuse what types can, they digest alike."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from binding_proofs import Example, hard_contexts, history_cases, missing, need, run
from segue_bindings import npm, output, schema, typescript
from segue_bindings.errors import GeneratorFailed

Limit: TypeAlias = Callable[[str, str, Any], None]
HERE = Path(__file__).resolve().parent / "typescript"


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generated files, the hand-written use of them, and both compiled."""
    need("node", "nodejs")
    need("npm", "npm")
    folder = tmp_path_factory.mktemp("typescript")
    try:
        compiler = npm.installed(HERE)
        npm.installed()
    except GeneratorFailed as error:
        missing(f"npm installs nothing here: {error}")
    (folder / "node_modules").symlink_to(compiler / "node_modules")
    output.write(folder, typescript.generate())
    for name in ("package.json", "tsconfig.json", "usage.ts", "harness.mjs"):
        shutil.copy(HERE / name, folder)
    run(["node", "node_modules/typescript/bin/tsc", "-p", "."], folder)
    return folder


def test_strict_compiler_takes_types_and_their_use(compiled: Path) -> None:
    """`usage.ts` holds what must compile and, as expected errors, what must not."""
    assert {"models.js", "digest.js", "usage.js"} <= {path.name for path in (compiled / "built").iterdir()}
    assert "ts-expect-error" in (compiled / "usage.ts").read_text(encoding="utf-8")


def test_types_take_the_valid_and_refuse_the_invalid(compiled: Path, examples: list[Example], limit: Limit) -> None:
    """Each example stands on a line of its own as a literal; a member that no type knows is no fault."""
    lines = [
        'import * as T from "./models.js";',
        "const is = <K>() => <V extends K>(value: V): V => value;",
    ]
    first = len(lines) + 1
    defs = schema.definitions()
    lines += [f"is<T.{e.type}>()({literal(e.value, defs[e.type], defs)});" for e in examples]
    (compiled / "literals.ts").write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = {"extends": "./tsconfig.json", "compilerOptions": {"noEmit": True}, "files": ["literals.ts"]}
    (compiled / "literals.json").write_text(json.dumps(settings))
    done = subprocess.run(
        ["node", "node_modules/typescript/bin/tsc", "-p", "literals.json"],
        cwd=compiled, capture_output=True, text=True, check=False,
    )  # fmt: skip
    faults = {}
    for line in done.stdout.splitlines():
        if not line.startswith(" "):
            assert line.startswith("literals.ts("), line
            number = int(line.split("(")[1].split(",")[0])
            faults.setdefault(examples[number - first].file, line)
    assert {e.file: faults[e.file] for e in examples if e.valid and e.file in faults} == {}
    limit("typescript", "cannot_refuse", [e.file for e in examples if not e.valid and e.file not in faults])


def literal(value: Any, form: schema.Schema, defs: dict[str, schema.Schema]) -> str:
    """Return the value as TypeScript; the type of an open item or part is made as a user makes it."""
    while "$ref" in form:
        form = defs[schema.target(form["$ref"])]
    name = next((name for name, body in defs.items() if body is form), "")
    union = schema.open_union(form)
    if isinstance(value, list):
        inner = next((f["items"] for f in (form, *form.get("oneOf", ())) if "items" in f), {})
        return "[" + ", ".join(literal(element, inner, defs) for element in value) + "]"
    if not isinstance(value, dict):
        return json.dumps(value)
    kind = value.get("type")
    tags = schema.tagged_union(defs[union.known] if union else form) or {}
    if isinstance(kind, str) and kind in tags:
        return literal(value, defs[tags[kind]], defs)
    members = form.get("properties", {})
    made = {member: literal(inner, members.get(member, {}), defs) for member, inner in value.items()}
    if union and isinstance(kind, str) and kind:
        made["type"] = f"T.open{name}Type({json.dumps(kind)})"
    return "{ " + ", ".join(f"{json.dumps(member)}: {text}" for member, text in made.items()) + " }"


def test_harness_reaches_every_vector_and_loses_nothing(
    compiled: Path, examples: list[Example], vectors: dict[str, Any]
) -> None:
    valid = [e for e in examples if e.valid]
    histories = history_cases(vectors)
    refused = {what: [v["text"] for v in vectors["refused"] if v["what"] == what] for what in ("item", "context")}
    cases = {
        "again": [e.data.decode() for e in valid],
        "items": [v["text"] for v in vectors["items"]] + refused["item"],
        "contexts": [v["text"] for v in vectors["contexts"]]
        + refused["context"]
        + [text for text, _ in hard_contexts()],
        "parsed": [v["text"] for v in vectors["items"]],
        "histories": histories,
    }
    done = subprocess.run(
        ["node", "harness.mjs"], cwd=compiled, input=json.dumps(cases), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert [json.loads(text) for text in got["again"]] == [e.value for e in valid]
    items = [v["digest"] for v in vectors["items"]]
    assert got["items"] == got["itemBytes"] == items + [None] * len(refused["item"])
    assert got["parsed"] == items
    contexts = [v["digest"] for v in vectors["contexts"]] + [None] * len(refused["context"])
    assert got["contexts"] == contexts + [digest for _, digest in hard_contexts()]
    assert got["histories"] == [{"digest": h["digest"], "length": h["length"]} for h in histories]
    assert got["open"] == [False, True]


def test_two_runs_are_equal(compiled: Path) -> None:
    files = typescript.generate()
    assert files == {name: (compiled / name).read_text(encoding="utf-8") for name in files}
