"""aimock on the two wires without state, which it serves beside the Responses API: they are checked where asked for."""

from __future__ import annotations

import json
from pathlib import Path

import committed
import pytest

pytestmark = pytest.mark.real

WIRES = ["chat", "anthropic"]


@pytest.fixture(scope="module")
def ran(aimock_url, run_check):
    words = ["--wire", "chat", "--wire", "anthropic", "--model", "gpt-4o", "--timeout", "5"]
    return run_check("aimock-stateless", aimock_url, *words, keys=True, baseline=True)


def test_wires_are_those_asked_for(ran):
    assert (ran.wires, ran.report["target"]["found_by"]) == (WIRES, "as asked")


@pytest.mark.parametrize("wire", WIRES)
def test_a_history_that_is_sent_is_known(ran, wire):
    for name in ("users_words", "models_words", "tools_words"):
        assert ran.verdicts[f"full_resend.{name}", wire] == "pass"


def test_everything_is_as_the_baseline_says(ran):
    assert ran.exit_code == ran.report["exit_code"] == 0, ran.terminal
    assert "Everything is as the baseline says" in ran.terminal


def test_verdicts_are_the_committed_ones(ran):
    committed.compare("aimock-stateless", ran.report)


def test_every_fault_is_traced(ran, aimock_environment):
    package = aimock_environment / "node_modules" / "@copilotkit" / "aimock"
    assert json.loads(Path(package, "package.json").read_text(encoding="utf-8"))["version"] == "1.43.0"
    assert committed.unexplained("aimock-stateless", ran.report) == []
    committed.places("aimock-stateless", package)
