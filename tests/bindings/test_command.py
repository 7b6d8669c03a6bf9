"""`segue bindings`: what it writes, and what it says where it can't."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from segue_bindings import cli, npm, output, python, typescript
from segue_bindings.errors import GeneratorFailed, MissingToolchain


def bindings(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.bindings, [str(word) for word in arguments], prog_name="segue bindings")


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_writes_a_package_and_says_so(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "segue"
    done = bindings("go", "--out", out)
    assert done.exit_code == 0, done.output
    names = sorted(path.name for path in out.iterdir())
    assert names == ["digest.go", "ijson.go", "jcs.go", "json.go", "types.go", "unions.go"]
    assert done.output == f"6 files in {out}: {', '.join(names)}\n"
    assert all(output.banner()[:-13] in path.read_text().replace("Code g", "G") for path in out.iterdir())


def test_unknown_language_lists_what_there_is(tmp_path: Path) -> None:
    done = bindings("cobol", "--out", tmp_path)
    assert done.exit_code == 2
    assert all(language in done.output for language in cli.LANGUAGES)


def test_style_and_package_belong_to_one_language(tmp_path: Path) -> None:
    assert "has one style only" in bindings("go", "--out", tmp_path, "--style", "pydantic").output
    assert "--package is Go's" in bindings("python", "--out", tmp_path, "--package", "x").output
    assert "no name of a Go package" in bindings("go", "--out", tmp_path, "--package", "X-y").output


def test_a_folder_that_holds_files_needs_force(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    refused = bindings("go", "--out", tmp_path)
    assert (refused.exit_code, "it holds mine.txt" in refused.output) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert bindings("go", "--out", tmp_path, "--force").exit_code == 0
    assert (tmp_path / "mine.txt").read_text() == "kept"


def test_a_file_and_a_folder_in_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "x"):
        done = bindings("go", "--out", out)
        assert (done.exit_code, "is a file, or lies in one" in done.output) == (2, True), done.output


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    done = bindings("go", "--out", tmp_path / "x")
    assert (done.exit_code, "can't be written" in done.output) == (2, True)


def test_a_missing_generator_is_named_with_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", gone)
    done = bindings("python", "--out", tmp_path / "x")
    assert done.exit_code == 2
    assert "segue-protocol[bindings]" in done.output
    assert f"datamodel-code-generator=={python.GENERATOR}" in done.output
    assert not (tmp_path / "x").exists()


def test_another_version_of_the_generator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _: "0.1.0")
    with pytest.raises(MissingToolchain, match=r"proved with datamodel-code-generator 0\.89\.0, not 0\.1\.0"):
        python.generate("msgspec")


def test_missing_node_is_named_with_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = bindings("typescript", "--out", tmp_path / "x")
    assert done.exit_code == 2
    assert "apt-get install nodejs npm" in done.output


def test_npm_that_fails_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    program(programs, "node", "exit 0")
    program(programs, "npm", "echo 'npm error the registry is asleep' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("SEGUE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(GeneratorFailed, match="the registry is asleep"):
        typescript.generate()
    assert list((tmp_path / "cache").iterdir()) == []


def test_packages_are_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    program(programs, "npm", f'echo "$@" >>{tmp_path}/calls; mkdir node_modules')
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("SEGUE_CACHE", str(tmp_path / "cache"))
    assert npm.installed() == npm.installed()
    assert (tmp_path / "calls").read_text() == "ci --ignore-scripts --no-audit --no-fund --loglevel=error\n"


@pytest.mark.parametrize("folder", [npm._HERE, Path(__file__).parent / "typescript"], ids=["generator", "compiler"])
def test_locks_name_exact_versions_and_no_address(folder: Path) -> None:
    lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert lock.pop("")["dependencies"] == json.loads((folder / "package.json").read_text())["dependencies"]
    assert lock
    assert all(package["integrity"].startswith("sha512-") for package in lock.values())
    assert "://" not in json.dumps(lock)


def test_help_loads_neither_schemas_nor_generators() -> None:
    code = (
        "import sys, click.testing, segue_bindings.cli as cli\n"
        "assert click.testing.CliRunner().invoke(cli.bindings, ['--help']).exit_code == 0\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in {'segue_schemas', 'datamodel_code_generator'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_names_in_the_command_are_those_of_the_modules() -> None:
    assert tuple(python.STYLES) == cli.STYLES
    assert all(language in (cli.bindings.help or "") for language in cli.LANGUAGES)


def test_the_page_tells_the_committed_limits() -> None:
    """The page's table is the lists' counts."""
    names = {"Python, TypedDict": "typeddict", "TypeScript": "typescript", "Go": "go"}
    names |= {f"Python, {style}": style for style in ("msgspec", "pydantic", "dataclasses")}
    page = (Path(__file__).resolve().parents[2] / "docs" / "bindings.md").read_text(encoding="utf-8")
    for name, style in names.items():
        limits = json.loads((Path(__file__).parent / "limits" / f"{style}.json").read_text(encoding="utf-8"))
        taken = limits["cannot_refuse"]
        native = [file for file in taken if file.startswith("native/")]
        assert f"| {name} | {len(limits.get('loses', ()))} | {len(taken)} | {len(native)} |" in page
