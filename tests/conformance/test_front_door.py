"""`segue`: finds commands without loading them, and says what to install where one can't be loaded."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import click
import pytest
from click.testing import CliRunner
from segue.cli import FrontDoor


def entry(name: str, value: str) -> metadata.EntryPoint:
    return metadata.EntryPoint(name, value, "segue.commands")


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> FrontDoor:
    found = [
        entry("check", "no_such_module_of_ours.cli:check"),
        entry("foreign", "click:Command"),
        entry("serve", "tests_no_such_package:serve"),
    ]
    monkeypatch.setattr(metadata, "entry_points", lambda *, group: found if group == "segue.commands" else [])
    return FrontDoor()


def test_help_loads_no_command(door):
    ran = CliRunner().invoke(door, ["--help"])
    assert ran.exit_code == 0
    assert "check    Check an endpoint for stateful continuation." in ran.output
    assert "foreign  (click)" in ran.output


@pytest.mark.parametrize("words", [["check"], ["check", "--help"], ["check", "http://x.test", "--wire", "openai-ws"]])
def test_what_is_missing_is_said(door, words):
    ran = CliRunner().invoke(door, words)
    assert ran.exit_code == 2
    assert "no_such_module_of_ours" in ran.output
    assert "pip install 'segue-protocol[check]'" in ran.output


def test_the_extra_is_the_command_own(door):
    assert "segue-protocol[gateway]" in CliRunner().invoke(door, ["serve"]).output


def test_an_unknown_command_is_wrong_usage(door):
    ran = CliRunner().invoke(door, ["chekc"])
    assert ran.exit_code == 2
    assert "No such command 'chekc'" in ran.output


def test_version(door):
    ran = CliRunner().invoke(door, ["--version"])
    assert ran.exit_code == 0
    assert ran.output.startswith("segue ")


def test_a_command_runs_with_its_own_code(monkeypatch):
    @click.command()
    def five() -> None:
        raise SystemExit(5)

    monkeypatch.setattr(metadata.EntryPoint, "load", lambda self: five)
    monkeypatch.setattr(metadata, "entry_points", lambda *, group: [entry("five", "x:y")])
    assert CliRunner().invoke(FrontDoor(), ["five"]).exit_code == 5


def test_a_fault_ends_in_a_sentence():
    code = (
        "import click, sys\nfrom importlib import metadata\n"
        "@click.command(context_settings={'ignore_unknown_options': True})\n"
        "@click.argument('rest', nargs=-1)\n"
        "def boom(rest): raise RuntimeError('a fault')\n"
        "metadata.EntryPoint.load = lambda self: boom\n"
        "metadata.entry_points = lambda *, group: [metadata.EntryPoint('boom', 'x:y', group)]\n"
        "from segue.cli import main\nsys.argv = ['segue', 'boom', *sys.argv[1:]]\nmain()\n"
    )

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    quiet = run()
    assert quiet.returncode == 4
    assert "RuntimeError: a fault" in quiet.stderr
    assert "Traceback" not in quiet.stderr
    loud = subprocess.run(
        [sys.executable, "-c", code, "--debug"], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" in loud.stderr


def test_the_door_imports_nothing_above_it():
    code = (
        "import sys\nfrom segue.cli import FrontDoor\nfrom click.testing import CliRunner\n"
        "assert CliRunner().invoke(FrontDoor(), ['--help']).exit_code == 0\n"
        "heavy = ('segue_conformance', 'segue_gateway', 'segue_adapters', 'segue_schemas', 'httpx', 'websockets',\n"
        "         'msgspec', 'pytest', 'rich', 'jsonschema')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_public_face_is_there_when_it_is_used():
    import segue

    assert {"connect", "Session", "Turn", "Outcome", "SegueError", "models"} <= set(dir(segue))
    assert segue.connect.__module__ == "segue_adapters.client"
    assert segue.models.__name__ == "segue_schemas.models"
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        segue.nonsense  # noqa: B018


def test_the_installed_command_lists_its_own(segue):
    if not metadata.entry_points(group="segue.commands"):
        pytest.skip("the distribution is not installed")
    ran = segue("--help")
    assert ran.code == 0
    for name in ("check", "matrix", "serve"):
        assert f"  {name} " in ran.out
