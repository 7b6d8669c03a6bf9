"""The self-test's verdicts: sound where it is, and each way in which the suite can be wrong is told as what it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from segue_conformance.mutants import REFERENCE, Mutant, load
from segue_conformance.registry import Catalogue
from segue_conformance.selftest.cli import selftest
from segue_conformance.selftest.jobs import Done, Job, Run, perform_all
from segue_conformance.selftest.judging import Outcome, judge
from segue_conformance.selftest.page import page
from segue_conformance.selftest.planning import Selection, select, stages
from segue_conformance.verdicts import Verdict

CATALOGUE = Catalogue.load()
MUTANTS = {mutant.name: mutant for mutant in load()}
FEW = Catalogue(CATALOGUE[name] for name in ("turns.plain_turn", "turns.usage_adds_up", "turns.cut_is_incomplete"))
USAGE = MUTANTS["usage_does_not_add_up"]


def examine(mutants: Sequence[Mutant], *, full: bool = False, wires: tuple[str, ...] = ("segue-ws",)) -> Outcome:
    chosen = Selection(tuple(FEW), tuple(mutants), wires, full, references=(REFERENCE,), sockets=full)
    known = (FEW, {mutant.name: mutant for mutant in (REFERENCE, *mutants)})
    done: list[Done] = []
    for stage in stages(chosen):
        done += perform_all(stage.jobs(done), 1, known)
    return judge(chosen, done)


def kinds(outcome: Outcome) -> set[tuple[str, str, str]]:
    return {(failure.kind, failure.mutant, failure.check) for failure in outcome.failures}


def test_a_mutant_that_its_check_catches_is_sound() -> None:
    outcome = examine([USAGE])
    assert (outcome.failures, outcome.exit_code) == ((), 0)
    assert [(run.check, run.verdict) for run in outcome.mutants[0].caught] == [("turns.usage_adds_up", Verdict.FAIL)]


def test_a_check_that_does_not_catch_its_mutant_is_told() -> None:
    wrong = replace(USAGE, killed_by={"segue-ws": ("turns.usage_adds_up", "turns.cut_is_incomplete")})
    outcome = examine([wrong])
    assert kinds(outcome) == {("survived", USAGE.name, "turns.cut_is_incomplete")}
    assert outcome.exit_code == 1


def test_a_full_run_tells_checks_that_catch_none_and_kills_that_nobody_named() -> None:
    outcome = examine([replace(USAGE, killed_by={"segue-ws": ("turns.cut_is_incomplete",)})], full=True)
    assert kinds(outcome) == {
        ("survived", USAGE.name, "turns.cut_is_incomplete"),
        ("survived_sockets", USAGE.name, "turns.cut_is_incomplete"),
        ("extra", USAGE.name, "turns.usage_adds_up"),
        ("unkilled", "", "turns.plain_turn"),
        ("unkilled", "", "turns.usage_adds_up"),
        ("unkilled", "", "turns.cut_is_incomplete"),
    }


def test_a_reason_explains_a_kill_and_one_too_many_is_stale() -> None:
    also = {"turns.usage*@segue-ws": "it is the same sum", "turns.plain_turn": "it never was"}
    wires = ("segue-ws", "segue-http", "openai-ws", "openai-http")
    mutant = replace(USAGE, killed_by={wire: ("turns.usage_adds_up",) for wire in wires[1:]}, also=also, wires=wires)
    outcome = examine([mutant], full=True, wires=wires)
    assert [(run.check, run.wire) for run in outcome.mutants[0].also] == [("turns.usage_adds_up", "segue-ws")]
    told = [failure for failure in outcome.failures if failure.kind != "unkilled"]
    assert [(failure.kind, failure.message) for failure in told] == [
        ("stale", "ALSO names turns.plain_turn, which catches nothing")
    ]


def test_a_false_accusation_and_a_check_that_never_runs_are_told() -> None:
    chosen = Selection(tuple(FEW), (), ("segue-ws",), references=(REFERENCE,))
    job = Job("reference", "reference", "reference", ())
    runs = (
        Run("turns.plain_turn", "segue-ws", Verdict.FAIL, "no"),
        Run("turns.usage_adds_up", "segue-ws", Verdict.SKIP, "no usage"),
        Run("turns.cut_is_incomplete", "segue-ws", Verdict.PASS),
    )
    outcome = judge(chosen, [Done(job, runs)])
    assert kinds(outcome) == {
        ("reference", "reference", "turns.plain_turn"),
        ("never_performed", "", "turns.usage_adds_up"),
    }


def test_a_mutant_that_can_not_be_made_is_a_fault_of_the_harness() -> None:
    def make(**_: Any) -> Any:
        raise KeyError("no such thing")

    outcome = examine([replace(USAGE, make=make)])
    assert outcome.exit_code == 4
    assert ("fault", USAGE.name, "") in kinds(outcome)
    assert "no such thing" in outcome.faults[0]


def test_a_check_that_does_not_exist_is_a_fault_of_the_suite() -> None:
    outcome = examine([replace(USAGE, killed_by={"segue-ws": ("turns.usage_adds_upp",)})])
    assert [(f.kind, f.message) for f in outcome.failures if f.kind == "fault"] == [("fault", "there is no such check")]
    assert outcome.exit_code == 1


def test_what_the_patterns_mean() -> None:
    mutants = list(MUTANTS.values())
    by_check = select(CATALOGUE, mutants, ("segue-ws",), only=["turns.usage_adds_up"])
    naming = {m.name for m in mutants if any("turns.usage_adds_up" in named for named in m.killed_by.values())}
    assert {m.name for m in by_check.mutants} == naming >= {USAGE.name}
    assert [c.id for c in by_check.checks] == ["turns.usage_adds_up"]
    by_area = select(CATALOGUE, mutants, ("segue-ws",), only=["isolation"])
    assert {m.area for m in by_area.mutants} >= {"isolation"}
    by_name = select(CATALOGUE, mutants, ("segue-ws",), only=[USAGE.name])
    assert (by_name.whole, [m.name for m in by_name.mutants]) == (False, [USAGE.name])


def test_each_mutant_is_examined_even_if_it_names_none_of_the_chosen_wires() -> None:
    chosen = select(CATALOGUE, list(MUTANTS.values()), ("openai-ws",))
    jobs = [job for stage in stages(chosen) for job in stage.jobs([])]
    assert {job.name for job in jobs if job.kind == "mutant"} == set(MUTANTS)


def test_the_page_lists_what_is_caught_and_what_is_not() -> None:
    text = page([replace(USAGE, also={"turns.plain*": "a *reason*"})], FEW)
    entry = text[text.index("- **Reports a total of tokens") :].splitlines()
    assert entry[0].endswith("** `usage_does_not_add_up`")
    assert entry[1].startswith("    - caught by `turns.usage_adds_up` on every wire with state")
    assert entry[2] == "    - also by `turns.plain*`: a \\*reason\\*"
    assert "- `turns.usage_adds_up`: `usage_does_not_add_up`" in text.partition("## Checks and what")[2]
    assert "- `turns.plain_turn`: " in text
    assert "1 of 3 checks catch at least one" in text


def test_the_page_of_the_site_is_fresh() -> None:
    committed = Path(__file__).parents[2] / "docs" / "kill-matrix.md"
    assert committed.read_text(encoding="utf-8") == page(list(MUTANTS.values()), CATALOGUE), "./dev gen"


def test_the_command(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    result = CliRunner().invoke(selftest, ["--only", "usage_does_not_add_up", "--jobs", "1", "--json", str(told)])
    assert result.exit_code == 0, result.output
    assert "the suite is sound" in result.output
    found = json.loads(told.read_text())
    assert [mutant["name"] for mutant in found["mutants"]] == ["usage_does_not_add_up"]
    assert found["failures"] == []


def test_two_processes_come_to_the_same(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    result = CliRunner().invoke(selftest, ["--only", "isolation", "--only", "usage_does_not_add_up", "--jobs", "2",
                                           "--wire", "segue-ws", "--json", str(told)])  # fmt: skip
    assert result.exit_code == 0, result.output
    assert len(json.loads(told.read_text())["mutants"]) >= 2


@pytest.mark.parametrize("arguments", [["--only", "nothing_bears_this_name"], ["--jobs", "0"], ["--wire", "x"]])
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(selftest, arguments).exit_code == 2
