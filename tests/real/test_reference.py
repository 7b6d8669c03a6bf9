"""The reference endpoint's own report, for the same page: it has to reach every profile that the suite can test."""

from __future__ import annotations

import committed
import pytest

pytestmark = pytest.mark.real

WIRES = [
    "segue-ws", "segue-http", "openai-ws+segue", "openai-http+segue", "openai-ws", "openai-http", "chat", "anthropic",
]  # fmt: skip


@pytest.fixture(scope="module")
def ran(run_check):
    return run_check("reference")


def test_every_profile_is_reached(ran):
    assert (ran.exit_code, ran.wires) == (0, WIRES)
    states = {row["state"] for row in ran.report["profiles"] if row["profile"] != "portable"}
    assert states == {"reached", "not_reachable"}


def test_verdicts_are_the_committed_ones(ran):
    committed.compare("reference", ran.report)
