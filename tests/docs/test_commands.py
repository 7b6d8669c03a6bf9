"""What the pages say of commands, options, exit codes and verdicts is what the code has, in both directions."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from segue_bindings.cli import bindings
from segue_conformance import plugin
from segue_conformance.cli import check
from segue_conformance.client_side.cli import check_client
from segue_conformance.client_side.running import environment
from segue_conformance.client_side.scenario import load as scenarios
from segue_conformance.client_side.task import make_task
from segue_conformance.explain.cli import explain
from segue_conformance.matrix import matrix
from segue_conformance.profiles import EXIT_MEANING, REACHABLE
from segue_conformance.registry import PROFILES
from segue_conformance.results import State
from segue_conformance.selftest.cli import selftest
from segue_conformance.verdicts import Verdict
from segue_gateway.cli import serve

COMMANDS = {
    "bindings": bindings,
    "check": check,
    "check-client": check_client,
    "explain": explain,
    "matrix": matrix,
    "selftest": selftest,
    "serve": serve,
}


def options(command: click.Command) -> set[str]:
    return {flag for option in command.params if isinstance(option, click.Option) for flag in option.opts}


def calls(code: str) -> list[list[str]]:
    """The command lines of a block, continued lines joined, prompts and comments taken off."""
    lines = code.replace("\\\n", " ").splitlines()
    return [shlex.split(line.removeprefix("$ "), comments=True) for line in lines if "=…" not in line]


def test_commands_in_blocks_exist(root: Path, blocks) -> None:
    verbs = verbs_of_dev(root)
    seen = 0
    for block in blocks:
        if block.language not in ("sh", "console"):
            continue
        for call in calls(block.code):
            if call[:1] == ["./dev"]:
                assert call[1] in verbs, (block.page, call)
                call = ["segue", *call[1:]] if call[1] in COMMANDS else []
            if call[:1] == ["segue"]:
                # What stands behind `--` is somebody else's command.
                call = call[: call.index("--")] if "--" in call else call
                given = {word.partition("=")[0] for word in call if word.startswith("--")}
                assert given <= options(COMMANDS[call[1]]), (block.page, call)
                seen += 1
    assert seen >= 8


def verbs_of_dev(root: Path) -> set[str]:
    """The verbs that `./dev help` lists; it sets nothing up."""
    done = subprocess.run(["sh", str(root / "dev"), "help"], capture_output=True, text=True, check=True)
    return set(re.findall(r"^  ([a-z]+) ", done.stdout, re.MULTILINE))


def test_dev_verbs_in_the_text_exist(root: Path, pages: dict[str, str]) -> None:
    named = set(re.findall(r"`\./dev ([a-z]+)", " ".join(pages.values())))
    assert {"check", "test", "lint", "types", "gen", "docs"} <= named
    assert named <= verbs_of_dev(root)


def test_contributing_tells_every_verb(root: Path, rows) -> None:
    told = {re.findall(r"\./dev ([a-z]+)", row[0])[0] for row in rows("CONTRIBUTING.md", "command")}
    assert told == verbs_of_dev(root)


def test_options_of_check_are_all_told(rows) -> None:
    told = {re.findall(r"--[a-z-]+", row[0])[0] for row in rows("docs/check.md", "option") if "--" in row[0]}
    assert told == options(check)


def test_options_of_check_client_are_all_told(rows) -> None:
    told = {re.findall(r"--[a-z-]+", row[0])[0] for row in rows("docs/check-client.md", "option") if "--" in row[0]}
    assert told == options(check_client)


def test_variables_of_check_client_are_all_told(rows) -> None:
    told = {name for row in rows("docs/check-client.md", "variable") for name in re.findall(r"`([A-Z_]+)`", row[0])}
    given = environment("http://127.0.0.1:1", make_task(), scenarios()[0])
    assert told == {name for name in given if name.lower() != "no_proxy"}


def test_options_of_serve_are_all_told(root: Path, pages: dict[str, str]) -> None:
    told = set(re.findall(r"^\| `(--[a-z-]+)", pages["docs/operate.md"], re.MULTILINE))
    assert told == options(serve)
    done = subprocess.run(
        [sys.executable, str(root / "tools/gen_operate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_options_of_the_plugin_are_all_told(pages: dict[str, str]) -> None:
    parser = pytest.Parser(_ispytest=True)
    plugin.pytest_addoption(parser)
    known = {name for option in parser.getgroup("segue").options for name in option.names()}
    told = set(re.findall(r"--segue-[a-z-]+", pages["docs/check.md"]))
    assert told == known


def test_equivalents_of_the_plugin_are_options_of_check(pages: dict[str, str]) -> None:
    told = dict(re.findall(r"^\| `(--segue-[a-z-]+) \w+` \| `(\S+)` \|$", pages["docs/check.md"], re.MULTILINE))
    assert told.pop("--segue-url") == "URL"
    assert {f"--segue-{name.removeprefix('--')}" for name in told.values()} == set(told)


def test_exit_codes(rows) -> None:
    told = {int(row[0]): row[1] for row in rows("docs/check.md", "code")}
    assert told.keys() == EXIT_MEANING.keys()
    for code, meaning in EXIT_MEANING.items():
        assert told[code].startswith(meaning), code


def test_every_verdict_and_state_is_told(rows) -> None:
    assert {row[0].strip("*") for row in rows("docs/report.md", "verdict")} == {verdict.value for verdict in Verdict}
    states = {row[0].strip("*").split(" on ")[0].replace(" ", "_") for row in rows("docs/report.md", "state")}
    assert states == {state.value for state in State}


def test_profiles_and_the_wires_that_reach_them(rows) -> None:
    table = {row[0].strip("*"): row[2:] for row in rows("docs/check.md", "profile")}
    assert tuple(table) == PROFILES
    assert REACHABLE["openai-http"] == REACHABLE["openai-ws"]
    assert REACHABLE["chat"] == REACHABLE["anthropic"]
    for profile, cells in table.items():
        wires = ("chat", "openai-http", "segue-http", "segue-ws")
        assert [cell == "yes" for cell in cells] == [profile in REACHABLE[wire] for wire in wires], profile
