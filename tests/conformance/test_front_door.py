"""`segue`: finds commands without loading them, and says what to install where one can't be loaded."""

from __future__ import annotations

import subprocess
import sys
import types

import click
import pytest
from click.testing import CliRunner
from segue import cli
from segue.cli import FrontDoor


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> FrontDoor:
    moved = {"check": "no_such_module_of_ours.cli", "serve": "tests_no_such_package"}
    entries = {name: cli.COMMANDS[name]._replace(module=module) for name, module in moved.items()}
    monkeypatch.setattr(cli, "COMMANDS", entries)
    return FrontDoor()


def test_help_loads_no_command(door):
    ran = CliRunner().invoke(door, ["--help"])
    assert ran.exit_code == 0
    assert "check  Check an endpoint for stateful continuation." in ran.output


@pytest.mark.parametrize("words", [["check"], ["check", "--help"], ["check", "http://x.test", "--wire", "openai-ws"]])
def test_what_is_missing_is_said(door, words):
    ran = CliRunner().invoke(door, words)
    assert ran.exit_code == 2
    assert "no_such_module_of_ours" in ran.output
    assert "pip install 'segue-protocol[check]'" in ran.output


def test_the_extra_is_the_command_own(door):
    assert "segue-protocol[gateway]" in CliRunner().invoke(door, ["serve"]).output


@pytest.mark.parametrize("missing", ["segue_conformance.no_such_part", "segue_gateway.no.such"])
def test_a_part_of_ours_that_is_missing_is_no_extra_to_install(monkeypatch, missing):
    entry = cli.COMMANDS["check"]._replace(module=missing)
    monkeypatch.setattr(cli, "COMMANDS", {"check": entry})
    ran = CliRunner().invoke(FrontDoor(), ["check", "http://x.test"])
    assert ran.exit_code == 4
    assert "a part of Segue itself can't be loaded (No module named" in ran.output
    assert "pip install --force-reinstall 'segue-protocol[check]'" in ran.output
    assert "which is not installed" not in ran.output


def test_an_unknown_command_is_wrong_usage(door):
    ran = CliRunner().invoke(door, ["chekc"])
    assert ran.exit_code == 2
    assert "No such command 'chekc'" in ran.output


def test_version(door):
    ran = CliRunner().invoke(door, ["--version"])
    assert ran.exit_code == 0
    assert ran.output.startswith("segue ")


def test_a_command_runs_with_its_own_code(monkeypatch):
    module = types.ModuleType("of_this_test")

    @click.command()
    def five() -> None:
        raise SystemExit(5)

    module.five = five
    monkeypatch.setitem(sys.modules, "of_this_test", module)
    monkeypatch.setattr(cli, "COMMANDS", {"five": cli.Entry("of_this_test", "five", "Ends with five.", "check")})
    assert CliRunner().invoke(FrontDoor(), ["five"]).exit_code == 5


def test_a_fault_ends_in_a_sentence():
    code = (
        "import click, sys\n"
        "from segue import cli\n"
        "@click.command(context_settings={'ignore_unknown_options': True})\n"
        "@click.argument('rest', nargs=-1)\n"
        "def boom(rest): raise RuntimeError('a fault')\n"
        "cli.COMMANDS = {'boom': cli.Entry('__main__', 'boom', 'Fails.', 'check')}\n"
        "sys.argv = ['segue', 'boom', *sys.argv[1:]]\ncli.main()\n"
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
    ran = segue("--help")
    assert ran.code == 0
    for name in ("check", "matrix", "serve"):
        assert f"  {name} " in ran.out


def test_each_command_is_where_it_is_said_to_be():
    for name, entry in cli.COMMANDS.items():
        command = FrontDoor().get_command(click.Context(FrontDoor()), name)
        assert isinstance(command, click.Command), name
        assert command.name == name
        assert entry.extra in {"bindings", "check", "gateway"}
