"""Proof of the Go bindings: vet and gofmt find nothing, examples survive, what types can refuse is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from binding_proofs import Example, hard_contexts, history_cases, need, run
from segue_bindings import go, output, schema
from segue_bindings.errors import BindingsError

Limit: TypeAlias = Callable[[str, str, Any], None]
HERE = Path(__file__).resolve().parent / "go"


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A module with the generated package and a program that uses it, compiled."""
    need("go", "golang-go")
    need("gofmt", "golang-go")
    folder = tmp_path_factory.mktemp("go")
    for path in HERE.iterdir():
        shutil.copy(path, folder)
    (folder / "segue").mkdir()
    output.write(folder / "segue", go.generate())
    (folder / "by_type.go").write_text(by_type(), encoding="utf-8")
    # Nothing is fetched: the package needs the standard library only.
    run(["go", "build", "-o", "proof", "."], folder, {"GOFLAGS": "-mod=mod", "GOPROXY": "off"})
    return folder


def by_type() -> str:
    """Return the function that reads an example as the type of its definition."""
    defs = schema.definitions()
    known = {union.known: name for name, body in defs.items() if (union := schema.open_union(body))}
    cases = ""
    for name, body in defs.items():
        if schema.tagged_union(body) or schema.open_union(body):
            cases += f'\tcase "{name}":\n\t\treturn parsed(data, segue.Parse{known.get(name, name)})\n'
        else:
            cases += f'\tcase "{name}":\n\t\treturn again(data, new(segue.{name}))\n'
    return (
        'package main\n\nimport (\n\t"fmt"\n\n\t"example.test/proof/segue"\n)\n\n'
        f"func byType(name string, data []byte) ([]byte, error) {{\n\tswitch name {{\n{cases}\t}}\n"
        '\tpanic(fmt.Sprintf("no type %s", name))\n}\n'
    )


@pytest.fixture(scope="session")
def got(module: Path, examples: list[Example], vectors: dict[str, Any]) -> dict[str, Any]:
    """What the program made of all examples and vectors."""
    refused = {what: [v["text"] for v in vectors["refused"] if v["what"] == what] for what in ("item", "context")}
    cases = {
        "examples": [{"type": e.type, "data": e.value} for e in examples],
        "items": [v["text"] for v in vectors["items"]] + refused["item"],
        "contexts": [v["text"] for v in vectors["contexts"]]
        + refused["context"]
        + [text for text, _ in hard_contexts()],
        "histories": history_cases(vectors),
    }
    done = subprocess.run(
        ["./proof"], cwd=module, input=json.dumps(cases), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout)
    return results


def test_vet_and_gofmt_find_nothing(module: Path) -> None:
    run(["go", "vet", "./..."], module, {"GOPROXY": "off"})
    assert run(["gofmt", "-l", "."], module) == ""


def test_writes_back_every_valid_example(got: dict[str, Any], examples: list[Example]) -> None:
    both = [(e, text) for e, text in zip(examples, got["again"], strict=True) if e.valid]
    assert len(both) > 150
    assert [e.file for e, text in both if text is None] == []
    assert {e.file: text for e, text in both if json.loads(text) != e.value} == {}


def test_refuses_what_its_types_can(got: dict[str, Any], examples: list[Example], limit: Limit) -> None:
    both = zip(examples, got["again"], strict=True)
    limit("go", "cannot_refuse", [e.file for e, text in both if not e.valid and text is not None])


def test_digest_helper_reaches_every_vector(got: dict[str, Any], vectors: dict[str, Any]) -> None:
    refused = [v["what"] for v in vectors["refused"]]
    assert got["items"] == [v["digest"] for v in vectors["items"]] + [None] * refused.count("item")
    contexts = [v["digest"] for v in vectors["contexts"]] + [None] * refused.count("context")
    assert got["contexts"][: len(contexts)] == contexts
    assert got["histories"] == [{"digest": h["digest"], "length": h["length"]} for h in history_cases(vectors)]


def test_digest_helper_agrees_where_helpers_would_differ(got: dict[str, Any]) -> None:
    expected = [digest for _, digest in hard_contexts()]
    assert got["contexts"][-len(expected) :] == expected


def test_what_a_user_writes(got: dict[str, Any]) -> None:
    assert got["use"] == [
        '{"type":"turn.start","turn":"t_1","context":{"model":"m","temperature":0.5},"input":'
        '[{"type":"message","role":"user","content":"a < b"},{"type":"vendor:x","n":[1,null]}],"retention":"cached"}',
        "<nil>",
        *["true"] * 3,
        *["thinking", "1"],
        *["segue.future", '{"type":"segue.future","n":1.0}'],
    ]


def test_two_runs_are_equal_and_the_package_has_the_name_asked_for() -> None:
    assert go.generate() == go.generate()
    assert all(text.count("\npackage wire\n") == 1 for text in go.generate("wire").values())
    with pytest.raises(BindingsError, match="no name of a Go package"):
        go.generate("Segue-Go")
