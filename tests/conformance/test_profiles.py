"""When a profile is reached, and the exit code that follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from segue_conformance.declared import lacking
from segue_conformance.profiles import REACHABLE, exit_code, judge
from segue_conformance.registry import PROFILES, WIRES
from segue_conformance.results import CheckResult, ContactFault, Report, Selection, State, Target, WireTarget
from segue_conformance.verdicts import Verdict
from segue_schemas import models

ALL = {wire: set(PROFILES) for wire in WIRES}


def result(
    profile: str, verdict: str, *, wire: str = "segue-ws", strict: bool = True, check: str = "a.b"
) -> CheckResult:
    return CheckResult(
        check=check, title="T", requirements=("SEG-MSG-001",), profile=profile, wire=wire, verdict=Verdict(verdict),
        strict=strict, requirement="SEG-MSG-001", keyword="MUST", sentence="S",
    )  # fmt: skip


def report(*results: CheckResult, wires: tuple[str, ...] = ("segue-ws",), **options: object) -> Report:
    judged = {"available": ALL, "second_key": True, **options}
    selection = Selection(profiles=tuple(judged.get("asked", ())), only=("x",) if judged.get("partial") else ())
    return Report(
        suite="0", spec="1.0", target=Target(url="u", wires=tuple(WireTarget(wire=w, url="u") for w in wires)),
        started_at="2026-01-01T00:00:00Z", duration_ms=0, requests=0, selection=selection,
        profiles=judge(results, wires, **judged), results=results,
    )  # fmt: skip


def state(rep: Report, profile: str, wire: str = "segue-ws") -> State:
    found = rep.state(profile, wire)
    assert found is not None
    return found.state


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["pass"], State.REACHED),
        (["pass", "skip"], State.REACHED),
        (["pass", "warn"], State.REACHED),
        (["skip"], State.NOT_TESTED),
        (["warn"], State.NOT_TESTED),
        ([], State.NOT_TESTED),
        (["pass", "fail"], State.NOT_REACHED),
        (["pass", "untestable"], State.NOT_REACHED),
        (["pass", "inconclusive"], State.NOT_REACHED),
        (["pass", "error"], State.NOT_REACHED),
    ],
)
def test_what_reaches_a_profile(verdicts, expected):
    assert state(report(*(result("core", v) for v in verdicts)), "core") is expected
    assert state(report(result("core", "pass"), *(result("live", v) for v in verdicts)), "live") is expected


@pytest.mark.parametrize("verdict", ["untestable", "inconclusive"])
def test_an_open_recommendation_does_not_block(verdict):
    rep = report(result("core", "pass"), result("core", verdict, strict=False))
    assert state(rep, "core") is State.REACHED
    assert exit_code(rep) == 0


def inconclusive(check: str, rule: str = "SEG-MSG-001", **more: Any) -> CheckResult:
    return replace(result("core", "inconclusive", check=check), requirements=(rule,), by_model=True, **more)


def test_what_a_weak_model_could_not_do_is_excused_by_a_pass_of_the_same_rule():
    rep = report(result("core", "pass"), inconclusive("a.c"), result("live", "pass"))
    assert state(rep, "core") is State.REACHED
    assert rep.state("core", "segue-ws").reason == "1 inconclusive beside a pass of the same rule"
    assert state(rep, "live") is State.REACHED
    assert exit_code(rep) == 0


@pytest.mark.parametrize(
    "others",
    [
        [inconclusive("a.c", "SEG-MSG-002")],  # another rule
        [replace(inconclusive("a.c"), by_model=False)],  # no budget, no answer
        [replace(inconclusive("a.c"), verdict=Verdict.UNTESTABLE)],
        [inconclusive("a.c", "SEG-MSG-002"), result("core", "pass", wire="openai-ws"),
         replace(result("core", "pass", check="a.d", wire="openai-ws"), requirements=("SEG-MSG-002",))],
        [inconclusive("a.c", "SEG-MSG-002"),
         replace(result("core", "pass", check="a.d"), requirements=("SEG-MSG-002",), disputed="a link")],
        [inconclusive("a.c", "SEG-MSG-002"),
         replace(result("core", "warn", check="a.d"), requirements=("SEG-MSG-002",))],
        [inconclusive("a.c", "SEG-MSG-002"),
         replace(result("core", "pass", check="a.d"), requirements=("SEG-MSG-009", "SEG-MSG-002"))],
    ],
)  # fmt: skip
def test_nothing_else_excuses(others):
    wires = tuple(dict.fromkeys(r.wire for r in [result("core", "pass"), *others]))
    rep = report(result("core", "pass"), *others, wires=wires)
    assert state(rep, "core") is State.NOT_REACHED
    assert exit_code(rep) == 5


def test_a_profile_is_never_reached_on_what_is_excused_alone():
    rep = report(result("core", "pass"), replace(inconclusive("a.c"), profile="live"))
    assert state(rep, "core") is State.REACHED
    assert state(rep, "live") is State.NOT_TESTED
    assert exit_code(report(result("core", "pass"), inconclusive("a.c"), partial="--only")) == 5


def test_everything_stands_on_core():
    rep = report(result("core", "fail"), result("continuation", "pass"))
    assert state(rep, "continuation") is State.NOT_REACHED
    assert rep.state("continuation", "segue-ws").reason == "core is not reached"


def test_core_of_another_wire_does_not_count():
    rep = report(
        result("core", "pass"),
        result("core", "fail", wire="openai-ws"),
        result("continuation", "pass"),
        result("continuation", "pass", wire="openai-ws"),
        wires=("segue-ws", "openai-ws"),
    )
    assert state(rep, "continuation") is State.REACHED
    assert state(rep, "continuation", "openai-ws") is State.NOT_REACHED


@pytest.mark.parametrize("wire", WIRES)
def test_what_a_wire_has_no_place_for_has_no_bearing(wire):
    for profile in PROFILES:
        rep = report(result("core", "pass", wire=wire), result(profile, "fail", wire=wire), wires=(wire,))
        reachable = profile in REACHABLE[wire]
        assert (state(rep, profile, wire) is State.NOT_REACHABLE) is not reachable
        assert exit_code(rep) == (1 if reachable else 0)


def test_without_a_second_key_isolation_is_not_tested_but_a_failure_counts():
    assert (
        state(report(result("core", "pass"), result("isolated", "pass"), second_key=False), "isolated")
        is State.NOT_TESTED
    )
    rep = report(result("core", "pass"), result("isolated", "fail"), second_key=False)
    assert state(rep, "isolated") is State.NOT_REACHED
    assert exit_code(rep) == 1


def test_a_profile_without_checks_is_never_reached():
    rep = report(result("core", "pass"), available={"segue-ws": {"core"}})
    assert state(rep, "portable") is State.NOT_TESTED
    assert "no check of it yet" in rep.state("portable", "segue-ws").reason
    assert exit_code(rep) == 0


def test_a_part_of_the_checks_reaches_nothing():
    rep = report(result("core", "pass"), partial="--only")
    assert state(rep, "core") is State.NOT_TESTED
    assert exit_code(rep) == 0
    assert state(report(result("core", "fail"), partial="--only"), "core") is State.NOT_REACHED
    assert exit_code(report(result("core", "inconclusive"), result("core", "pass"), partial="--only")) == 5


def test_only_what_was_asked_for_bears():
    rep = report(result("core", "pass"), result("live", "pass"), result("continuation", "fail"), asked=["live"])
    assert state(rep, "live") is State.REACHED
    assert state(rep, "continuation") is State.NOT_TESTED
    assert exit_code(rep) == 0


def test_asked_for_by_name_and_not_offered_is_not_reached():
    assert exit_code(report(result("core", "pass"), result("live", "skip"))) == 0
    assert exit_code(report(result("core", "pass"), result("live", "skip"), asked=["live"])) == 5


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        (["pass"], 0),
        (["pass", "fail"], 1),
        (["fail", "inconclusive", "untestable"], 1),
        (["fail", "error"], 4),
        (["pass", "untestable"], 5),
        (["pass", "inconclusive"], 5),
        (["skip"], 5),
        ([], 5),
    ],
)
def test_exit_codes(verdicts, code):
    assert exit_code(report(*(result("core", v) for v in verdicts))) == code


def test_a_wire_that_was_never_reached():
    fault = ContactFault(wire="segue-ws", what="refused", where="u")
    assert exit_code(replace(report(result("core", "untestable")), contact=(fault,))) == 3
    assert exit_code(replace(report(result("core", "fail")), contact=(fault,))) == 1


def test_an_interrupted_run_is_never_green():
    assert exit_code(replace(report(result("core", "pass")), interrupted=True)) == 5


def document(offered: list[str], retention: list[str], **narrowed: Any) -> models.Discovery:
    bindings = [{"wire": "segue-ws", "url": "/segue/v1", **narrowed}]
    declared = {
        "versions": ["1.0"],
        "endpoint": "e",
        "bindings": bindings,
        "capabilities": {
            **{"model_input": "exact", "principal": "key", "names_survive": "process"},
            **{"retention": retention, "default_retention": retention[0], "features": offered},
        },
        "limits": {"heartbeat_ms": 1000, "message_bytes": 1000, "replay_ms": 1000, "name_ms": 1000},
    }
    return msgspec.convert(declared, models.Discovery)


@pytest.mark.parametrize(
    ("declared", "profile", "missing"),
    [
        (document(["export"], ["cached"]), "portable", "`import`"),
        (document(["export", "import"], ["none"]), "portable", "retention connection or cached or durable"),
        (document(["export", "import"], ["cached"]), "portable", None),
        (document(["export", "import"], ["cached"], features=[]), "portable", "`export`, `import`"),
        (document(["lanes"], ["cached"]), "concurrent", "`cancel`"),
        (document(["warm_up"], ["cached"]), "live", "retention connection"),
        (document([], ["none"]), "core", None),
        (None, "portable", None),
    ],
)
def test_a_profile_is_never_reached_without_what_it_needs(declared, profile, missing):
    """SEG-PROF-003: that every check passed does not help where the features that it stands for are not there."""
    found = lacking(declared, ["segue-ws"])
    assert found.get(("segue-ws", profile)) == (None if missing is None else f"not offered: {missing}")
    rep = report(result("core", "pass"), result(profile, "pass"), lacking=found)
    assert state(rep, profile) is (State.REACHED if missing is None else State.NOT_TESTED)
    broken = report(result("core", "pass"), result(profile, "fail"), lacking=found)
    assert state(broken, profile) is State.NOT_REACHED, "what is offered has to work all the same"
