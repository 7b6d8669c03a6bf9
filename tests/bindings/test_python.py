"""Proof of the Python bindings, style by style: they import, they lose nothing, they refuse, they digest alike."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import msgspec
import pytest
from binding_proofs import Example, hard_contexts, history_cases, missing, need_module, run
from segue_bindings import output, python
from segue_bindings.errors import MissingToolchain

Limit: TypeAlias = Callable[[str, str, Any], None]
Again: TypeAlias = Callable[[Example], Any]

AT_RUN_TIME = ("msgspec", "pydantic", "dataclasses")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one generated package for each style: `bindings_msgspec` and so on."""
    folder = tmp_path_factory.mktemp("python")
    for style in python.STYLES:
        try:
            files = python.generate(style)
        except MissingToolchain as error:
            missing(error.what)
        output.write(made(folder / f"bindings_{style}"), files)
    return folder


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def load(packages: Path, style: str, name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(packages))
    if style == "pydantic":
        need_module("pydantic")
    return importlib.import_module(f"bindings_{style}.{name}")


@pytest.fixture(params=AT_RUN_TIME)
def style(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def again(style: str, packages: Path, monkeypatch: pytest.MonkeyPatch) -> Again:
    """Read an example with its type and write it again; raises ValueError where the type refuses it."""
    models = load(packages, style, "models", monkeypatch)
    if style == "msgspec":
        # Items, contexts and JSON values travel as received bytes.
        def read_and_write(example: Example) -> Any:
            kind = getattr(models, example.type, msgspec.Raw)
            try:
                return json.loads(msgspec.json.encode(msgspec.json.decode(example.data, type=kind)))
            except msgspec.ValidationError as error:
                raise ValueError(str(error)) from None
    elif style == "pydantic":
        import pydantic

        def read_and_write(example: Example) -> Any:
            adapter = pydantic.TypeAdapter(getattr(models, example.type, Any))
            value = adapter.validate_json(example.data, strict=True)  # an alias has no configuration of its own
            return json.loads(adapter.dump_json(value, exclude_unset=True, by_alias=True))
    else:
        codec = load(packages, style, "codec", monkeypatch)

        def read_and_write(example: Example) -> Any:
            return json.loads(codec.write(codec.read(getattr(models, example.type, Any), example.data)))

    return read_and_write


def test_writes_back_every_valid_example(style: str, again: Again, examples: list[Example], limit: Limit) -> None:
    valid = [example for example in examples if example.valid]
    lost = {example.file: difference(example.value, again(example)) for example in valid}
    assert len(lost) > 150
    limit(style, "loses", {file: names for file, names in lost.items() if names})


def difference(before: Any, after: Any) -> list[str]:
    """Return the members that are gone; anything else that differs fails at once."""
    if isinstance(before, dict) and isinstance(after, dict):
        gone = sorted(set(before) - set(after))
        assert after == {name: value for name, value in before.items() if name in after}
        return gone
    assert before == after
    return []


def test_refuses_what_its_types_can(style: str, again: Again, examples: list[Example], limit: Limit) -> None:
    taken = []
    for example in examples:
        if not example.valid:
            try:
                again(example)
            except ValueError:
                continue
            taken.append(example.file)
    limit(style, "cannot_refuse", taken)


@pytest.mark.parametrize("style", python.STYLES)
def test_digest_helper_reaches_every_vector(
    style: str, packages: Path, vectors: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = load(packages, style, "digest", monkeypatch)
    for what, digest in (("items", helper.item_digest), ("contexts", helper.context_digest)):
        for vector in vectors[what]:
            assert digest(vector["text"]) == vector["digest"], vector["name"]
            assert digest(vector["text"].encode()) == vector["digest"], vector["name"]
            assert digest(json.loads(vector["text"])) == vector["digest"], vector["name"]
    for vector in history_cases(vectors):
        base, length = vector.get("base", helper.EMPTY_HISTORY), vector.get("base_length", 0)
        assert helper.chain(vector["items"], base, length) == (vector["digest"], vector["length"]), vector["name"]
    for vector in vectors["refused"]:
        digest = helper.item_digest if vector["what"] == "item" else helper.context_digest
        with pytest.raises(ValueError):  # noqa: PT011 - each has its own message, the vector says which fault
            digest(vector["text"])


def test_digest_helper_agrees_where_helpers_would_differ(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = load(packages, "msgspec", "digest", monkeypatch)
    for text, digest in hard_contexts():
        if digest is None:
            with pytest.raises(ValueError):  # noqa: PT011 - one of many faults
                helper.context_digest(text)
        else:
            assert helper.context_digest(text) == digest, text


def test_digest_helper_is_the_same_in_every_style(packages: Path) -> None:
    texts = {(packages / f"bindings_{style}" / "digest.py").read_text() for style in python.STYLES}
    assert len(texts) == 1


def test_strict_type_checker_passes_every_style(packages: Path, tmp_path: Path) -> None:
    need_module("mypy")
    for style in python.STYLES:
        mypy(packages, tmp_path, "-p", f"bindings_{style}")


def mypy(folder: Path, cache: Path, *arguments: str) -> None:
    run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", cache, "--python-version", "3.11",
         *arguments],
        folder,
    )  # fmt: skip


def test_linter_finds_nothing_in_what_is_written_by_hand(packages: Path) -> None:
    need_module("ruff")
    names = [path.name for path in packages.rglob("*.py") if path.name in ("digest.py", "_base.py", "codec.py")]
    assert len(names) == 7
    run([sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--line-length", "120",
         "--target-version", "py311", "--select", "E,F,W,I,B,UP,D1", "--exclude", "models.py,__init__.py", "."],
        packages)  # fmt: skip


def test_typed_dicts_take_the_valid_and_refuse_the_invalid(
    packages: Path, tmp_path: Path, examples: list[Example], limit: Limit
) -> None:
    """A TypedDict lives in the type checker only: each example stands on a line of its own as a literal."""
    need_module("mypy")
    lines = ["from typing import Any", "from bindings_typeddict import models", "JsonValue = Any"]
    first = len(lines) + 1
    for number, example in enumerate(examples):
        kind = "Any" if example.type == "JsonValue" else f"models.{example.type}"
        lines.append(f"v{number}: {kind} = {example.value!r}")
    (packages / "literals.py").write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(tmp_path),
         # Members that a later version added are no fault; a literal's checker can't know them.
         "--disable-error-code", "typeddict-unknown-key", "--no-error-summary", "literals.py"],
        cwd=packages, capture_output=True, text=True, check=False,
    )  # fmt: skip
    faults = {}
    for line in done.stdout.splitlines():
        name, number, rest = line.split(":", 2)
        assert name == "literals.py", line
        faults.setdefault(examples[int(number) - first].file, rest)
    # Open items with members of their own: no union of TypedDicts takes such a literal without a cast.
    limit("typeddict", "needs_cast", [e.file for e in examples if e.valid and e.file in faults])
    limit("typeddict", "cannot_refuse", [e.file for e in examples if not e.valid and e.file not in faults])


def test_msgspec_style_is_what_segue_itself_uses(packages: Path) -> None:
    """So what the project learns of its own models holds for the user's."""
    from segue_schemas import models

    ours = Path(models.__file__).read_text(encoding="utf-8").split("from __future__", 1)[1]
    written = (packages / "bindings_msgspec" / "models.py").read_text(encoding="utf-8").split("from __future__", 1)[1]
    assert written == ours


@pytest.mark.parametrize("style", python.STYLES)
def test_two_runs_are_equal(style: str, packages: Path) -> None:
    files = python.generate(style)
    assert files == {
        path.name: path.read_text(encoding="utf-8") for path in (packages / f"bindings_{style}").glob("*.py")
    }
