"""`segue check-client`: a small agent that does what it should passes everything; each fault in it is caught by name.

The agent (tests/conformance/clients) speaks all four wires. A fault is looked for in the scenario that names it, since
one that no scenario catches, or a scenario that no fault fails, proves nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from segue_conformance.client_side.running import Agent, Performance, check_agent
from segue_conformance.client_side.scenario import load
from segue_conformance.registry import PLAIN
from segue_conformance.results import Report
from segue_conformance.verdicts import Verdict

AGENT = Path(__file__).parent / "clients" / "agent.py"
LIBRARY = Path(__file__).parents[1] / "real" / "agents" / "segue_conversation.py"
SCENARIOS = load()


@dataclass(frozen=True)
class Broken:
    """A fault of the agent, and the verdict by which its scenario says so."""

    scenario: str
    fault: str
    wire: str = "openai-http"
    verdict: str = "fail"
    flags: Sequence[str] = field(default=())
    limit: float = 20.0
    requirement: str | None = None

    @property
    def name(self) -> str:
        return f"{self.scenario}-{self.fault}-{self.wire}"


BROKEN = [
    Broken("client_task.whole", "doubles_output"),
    Broken("client_task.whole", "doubles_output", flags=("--whole",)),
    Broken("client_task.whole", "drops_assistant", flags=("--whole",), requirement="SEG-CONT-091"),
    Broken("client_task.whole", "does_nothing", verdict="untestable"),
    Broken("client_task.delta_is_new", "sends_all_beside_parent", requirement="SEG-CONT-090"),
    Broken("client_task.integers", "fractions", "segue-http"),
    Broken("client_task.no_segue_unasked", "sends_segue"),
    Broken("client_task.two_conversations", "mixes_conversations", requirement="SEG-ISO-020"),
    Broken("client_task.two_conversations", "mixes_conversations", flags=("--whole",)),
    Broken("client_state.lost_parent", "never_resends", verdict="warn"),
    Broken("client_state.lost_parent", "never_resends", "openai-ws", verdict="warn"),
    Broken("client_state.lost_parent", "repeats_lost_parent", verdict="warn"),
    Broken("client_state.lost_parent", "error_is_success", requirement="SEG-ERR-022"),
    Broken("client_state.lost_parent", "loops", requirement="SEG-ERR-020"),
    Broken("client_state.lost_parent_404", "never_resends", verdict="warn"),
    Broken("client_state.lost_parent_in_words", "never_resends", verdict="warn"),
    Broken("client_state.always_lost", "loops", requirement="SEG-ERR-020"),
    Broken("client_cut.mid_answer", "cut_is_success", requirement="SEG-TURN-150"),
    Broken("client_cut.mid_answer", "cut_is_success", "openai-ws", requirement="SEG-TURN-150"),
    Broken("client_cut.mid_answer", "cut_is_success", flags=("--final",)),
    Broken("client_cut.clean_end", "cut_is_success", requirement="SEG-TURN-150"),
    Broken("client_cut.before_answer", "cut_is_success"),
    Broken("client_errors.server_error", "error_is_success"),
    Broken("client_errors.server_error", "error_is_success", "segue-http"),
    Broken("client_errors.flat", "error_is_success"),
    Broken("client_errors.flat", "hangs", "openai-ws", limit=3.0, requirement="SEG-ERR-020"),
    Broken("client_errors.odd", "error_is_success", "openai-ws"),
    Broken("client_errors.in_stream", "error_is_success"),
    Broken("client_errors.failed", "error_is_success"),
    Broken("client_errors.failed", "error_is_success", flags=("--final",)),
    Broken("client_errors.incomplete", "drops_incomplete", flags=("--whole",), requirement="SEG-CONT-091"),
    Broken("client_errors.for_ever", "loops", requirement="SEG-ERR-020"),
    Broken("client_errors.retry_after", "ignores_retry_after", verdict="warn"),
    Broken("client_errors.retry_after", "ignores_retry_after", "segue-ws", verdict="warn"),
    Broken("client_stream.slow", "impatient", verdict="warn"),
    Broken("client_stream.unknown_events", "chokes_on_unknown"),
    Broken("client_stream.unknown_events", "chokes_on_unknown", "segue-http"),
    Broken("client_stream.unknown_first", "chokes_on_unknown", "openai-ws"),
    Broken("client_stream.unknown_members", "chokes_on_members"),
    Broken("client_stream.unknown_members", "chokes_on_members", flags=("--final",)),
    Broken("client_stream.unknown_item", "chokes_on_items", verdict="warn"),
    Broken("client_socket.upgrade_426", "burns_upgrades", "openai-ws", requirement="SEG-ERR-020"),
    Broken("client_socket.upgrade_426", "no_fallback", "segue-ws", verdict="warn"),
    Broken("client_socket.connection_limit", "never_reconnects", "openai-ws", verdict="warn"),
    Broken("client_socket.closed_between_turns", "never_reconnects", "openai-ws", verdict="warn"),
    Broken("client_segue.advice_wait", "knows_codes_only", "segue-http", requirement="SEG-ERR-009"),
    Broken("client_segue.advice_resend", "knows_codes_only", "segue-ws", requirement="SEG-ERR-009"),
    Broken("client_segue.advice_give_up", "knows_codes_only", "segue-http"),
    Broken("client_segue.minor_version", "one_version", "segue-ws"),
    Broken("client_segue.draining", "never_reconnects", "segue-ws", verdict="warn"),
    Broken("client_segue.closed_forbidden", "loops", "segue-ws", requirement="SEG-ERR-020"),
    Broken("client_segue.closed_busy", "ignores_retry_after", "segue-ws", verdict="warn"),
    Broken("client_segue.built_anew", "builds_on", "segue-http"),
]


def agent(wire: str = "openai-http", *words: str) -> list[str]:
    """The agent's command. Over HTTP it needs the standard library alone, and starts faster without the rest."""
    return [sys.executable, *(["-S"] if wire.endswith("http") else []), str(AGENT), "--wire", wire, *words]


def run(broken: Broken) -> tuple[Report, Performance]:
    words = agent(broken.wire, "--fault", broken.fault, *broken.flags)
    done = Performance()
    return check_agent(Agent(words, limit=broken.limit), SCENARIOS, only=[broken.scenario], performance=done), done


@pytest.fixture(scope="module")
def reports() -> dict[str, tuple[Report, Performance]]:
    # Most of the time an agent waits: several at once take no longer than one.
    with ThreadPoolExecutor(max(4, os.cpu_count() or 1)) as pool:
        return dict(zip((broken.name + str(broken.flags) for broken in BROKEN), pool.map(run, BROKEN), strict=True))


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name + "".join(broken.flags))
def test_a_fault_is_caught_by_the_scenario_that_names_it(broken: Broken, reports) -> None:
    report, done = reports[broken.name + str(broken.flags)]
    result = next(result for result in report.results if result.check == broken.scenario)
    assert done.details == []
    assert result.verdict == broken.verdict, (result.verdict, result.message, result.actual)
    if broken.verdict in ("fail", "warn"):
        assert result.expected
        assert result.actual
        assert result.frames or broken.fault in ("burns_upgrades",)
    if broken.requirement is not None:
        assert result.requirement == broken.requirement, result.message
    assert report.exit_code == {"fail": 1, "untestable": 5}.get(broken.verdict, 0), report.profiles


def test_every_scenario_can_fail() -> None:
    assert {broken.scenario for broken in BROKEN} == {cls.id for cls in SCENARIOS}


@pytest.mark.parametrize("wire", PLAIN)
def test_an_agent_that_does_what_it_should_is_accused_of_nothing(wire: str) -> None:
    report = check_agent(Agent(agent(wire), at_once=8), SCENARIOS)
    told = [(r.check, r.verdict, r.message) for r in report.results if r.verdict not in (Verdict.PASS, Verdict.SKIP)]
    assert told == []
    assert report.exit_code == 0
    assert report.wires == (wire,)
    assert len(report.of(Verdict.PASS)) >= 20
    assert "1.0 times the least possible" in report.notes[0]


@pytest.mark.parametrize("flags", [("--whole",), ("--final",)], ids=" ".join)
def test_an_agent_in_another_manner_is_accused_of_nothing(flags: Sequence[str]) -> None:
    only = ["client_task", "client_state", "client_cut", "client_errors", "client_stream.unknown"]
    report = check_agent(Agent(agent("openai-http", *flags), at_once=8), SCENARIOS, only=only)
    told = [(r.check, r.verdict, r.message) for r in report.results if r.verdict not in (Verdict.PASS, Verdict.SKIP)]
    assert told == []
    skipped = {result.check: result.message for result in report.of(Verdict.SKIP)}
    assert ("client_state.lost_parent" in skipped) == ("--whole" in flags)
    assert ("client_cut.clean_end" in skipped) == ("--final" in flags)
    assert "client_cut.mid_answer" not in skipped


@pytest.mark.parametrize("wire", ["openai-http", "openai-ws"])
def test_an_agent_that_declares_the_extension_is_judged_on_the_plain_wire(wire: str) -> None:
    """What it could do with names and records is no part of the wire whose frames are judged: it is not offered."""
    only = ["client_task", "client_cut", "client_errors.in_stream"]
    command = [sys.executable, str(LIBRARY), wire]
    report = check_agent(Agent(command, at_once=4), SCENARIOS, only=only)
    told = [(r.check, r.verdict, r.message) for r in report.results if r.verdict not in (Verdict.PASS, Verdict.SKIP)]
    assert told == []
    assert report.wires == (wire,)
    assert {"client_cut.mid_answer", "client_errors.in_stream"} <= {r.check for r in report.of(Verdict.PASS)}
