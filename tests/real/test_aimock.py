"""aimock, a mock of OpenAI's API that keeps no state: the suite has to find its wires and say what it does."""

from __future__ import annotations

import json
from pathlib import Path

import committed
import pytest

pytestmark = pytest.mark.real

WIRES = ("openai-ws", "openai-http")
#: What a stateless endpoint cannot do, and what it takes all the same.
LOSES = ("users_words_one_hop", "users_words_four_hops", "models_words", "tools_words")
TAKES = ("unknown_parent_refused", "impossible_parent_refused")


@pytest.fixture(scope="module")
def ran(aimock_url, run_check):
    return run_check("aimock", aimock_url, "--model", "gpt-4o", "--timeout", "5", keys=True, baseline=True)


def test_wires_are_found_by_probing(ran):
    assert (ran.wires, ran.report["target"]["found_by"]) == ([*WIRES], "probing")
    assert "openai-ws, openai-http (found by probing)" in ran.terminal


@pytest.mark.parametrize("wire", WIRES)
def test_lost_history_is_told(ran, wire):
    for name in LOSES:
        row = next(r for r in ran.report["results"] if (r["check"], r["wire"]) == (f"continuation.{name}", wire))
        assert row["verdict"] == "fail"
        # The control arm: the same question with the whole history was answered, so it was not the model.
        assert "the endpoint lost the word, not the model" in row["control"]


@pytest.mark.parametrize("wire", WIRES)
def test_any_parent_is_taken(ran, wire):
    assert [ran.verdicts[f"continuation.{name}", wire] for name in TAKES] == ["fail", "fail"]


def test_everything_is_as_the_baseline_says(ran):
    assert ran.exit_code == ran.report["exit_code"] == 0, ran.terminal
    assert "Everything is as the baseline says" in ran.terminal


def test_verdicts_are_the_committed_ones(ran):
    committed.compare("aimock", ran.report)


def test_every_fault_is_traced(ran, aimock_environment):
    package = aimock_environment / "node_modules" / "@copilotkit" / "aimock"
    assert json.loads(Path(package, "package.json").read_text(encoding="utf-8"))["version"] == "1.43.0"
    assert committed.unexplained("aimock", ran.report) == []
    committed.places("aimock", package)
