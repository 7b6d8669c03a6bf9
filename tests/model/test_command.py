"""`python -m segue_model`: what it prints, and its exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from segue_model import RULES, SCENARIOS
from segue_model.__main__ import main


def test_without_a_rule_the_story_is_told_a_line_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--without", "attach"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("names: asked once breaks (")
    assert lines[1] == "   1. client 1 starts the turn at node 1, which accepts it"
    assert lines[-1] == "   4. node 1 asks the provider"


def test_a_scenario_in_which_nothing_breaks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scenario", "forgotten"]) == 0
    assert capsys.readouterr().out.startswith("forgotten: no property breaks (")


def test_a_rule_may_be_off_where_it_does_not_matter(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scenario", "forgotten", "--without", "steer_conflict"]) == 0
    assert "no property breaks" in capsys.readouterr().out


def test_the_list_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    out = capsys.readouterr().out
    assert [name for name in (*RULES, *SCENARIOS) if f"  {name} " not in out] == []
    assert "SEG-TURN-053" in out


def test_it_runs_as_a_module(root: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(root / "spec" / "model")}
    command = [sys.executable, "-m", "segue_model", "--without", "nonsense"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "invalid choice: 'nonsense'" in done.stderr


def test_the_model_needs_the_standard_library_only(root: Path) -> None:
    code = "import sys, segue_model.page, segue_model.sessions, segue_model.__main__; print(*sys.modules, sep='\\n')"
    environment = {**os.environ, "PYTHONPATH": str(root / "spec" / "model")}
    # -S: no site-packages; an import of anything that is installed would fail.
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "segue_model.steps" in done.stdout.splitlines()
