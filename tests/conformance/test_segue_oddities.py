"""What is legal on Segue's own wires and unusual accuses nobody: many oddities together, and each of them alone.

Every check looks at what goes together. With STAND_IN_ALL=1 in the environment every check looks at every oddity alone,
too, as `segue selftest --full` does; that takes minutes. Without it those that go with no others meet, alone, the
checks that read most of what an endpoint says.
"""

from __future__ import annotations

import os

import pytest
from segue_conformance.oddities import Oddity, accusations, load, many, together
from segue_conformance.registry import Catalogue
from segue_conformance.selftest.jobs import Job, Run, perform
from segue_conformance.verdicts import Verdict
from segue_gateway.endpoint import Endpoint

CATALOGUE = Catalogue.load()
ODDITIES = load()
MANY = {oddity.name: oddity for oddity in many(ODDITIES)}
ALL = "STAND_IN_ALL" in os.environ
AMONG = {name for oddity in MANY.values() for name in oddity.fault.split()}
#: Between them these read a turn, its record, a refusal, the document and the end of a connection.
TELLING = (
    "continuation.users_words_one_hop",
    "discovery.document_is_consistent",
    "endings.closed_with_a_reason",
    "lanes.cut_text_stays",
    "messages.error_members",
    "messages.every_message_is_valid",
    "resume.digests_agree",
    "resume.resume_from_a_number",
    "turns.numbers_rise",
    "turns.plain_turn",
    "wire_segue_http.whole_answer",
)


def judged(oddity: Oddity, *, everything: bool) -> tuple[Run, ...]:
    pairs = tuple(
        (check.id, wire)
        for wire in oddity.wires
        for check in CATALOGUE
        if wire in check.wires and (everything or check.id in TELLING)
    )
    done = perform(Job("oddity", oddity.name, "oddities", pairs), (CATALOGUE, {oddity.name: oddity}))
    assert done.fault == ""
    return done.runs


@pytest.mark.parametrize("name", MANY)
def test_many_oddities_together_accuse_nobody(name: str) -> None:
    runs = judged(MANY[name], everything=True)
    assert len(runs) > 300
    assert accusations(MANY[name], runs, CATALOGUE) == []


@pytest.mark.parametrize("name", ODDITIES if ALL else [name for name in ODDITIES if name not in AMONG])
def test_an_oddity_accuses_nobody(name: str) -> None:
    runs = judged(ODDITIES[name], everything=ALL)
    assert accusations(ODDITIES[name], runs, CATALOGUE) == []
    assert any(run.verdict is Verdict.PASS for run in runs)


def test_what_a_check_says_on_an_oddity_is_looked_at() -> None:
    oddity = ODDITIES["never_asks_again"]
    wire = oddity.wires[0]
    checks = [check.id for check in CATALOGUE if wire in check.wires]
    passed = [Run(check, wire, Verdict.PASS) for check in checks]
    assert accusations(oddity, passed, CATALOGUE) == []
    warned = [Run("recommended.no_long_silence", wire, Verdict.WARN)]
    assert accusations(oddity, [*passed[:-1], *warned], CATALOGUE) == []
    for verdict in (Verdict.FAIL, Verdict.ERROR, Verdict.WARN):
        (told,) = accusations(oddity, [*passed[1:], Run(checks[0], wire, verdict, "no")], CATALOGUE)
        assert checks[0] in told
    (told,) = accusations(oddity, [Run(check, wire, Verdict.SKIP) for check in checks], CATALOGUE)
    assert "only 0 passed" in told


def test_each_says_what_is_odd_and_what_allows_it() -> None:
    assert len(ODDITIES) > 100
    assert len({oddity.fault for oddity in ODDITIES.values()}) == len(ODDITIES)
    for oddity in ODDITIES.values():
        assert oddity.fault.endswith("."), oddity.name
        assert len(oddity.legal) > 20, oddity.name
        assert oddity.wires, oddity.name


def test_most_are_among_those_that_go_together() -> None:
    assert ODDITIES.keys() >= AMONG
    assert len(AMONG) >= 50


def test_together_each_has_its_say() -> None:
    class First(ODDITIES["more_members"].make):  # type: ignore[misc, name-defined]
        """First."""

        def event(self, wire: str, event: dict[str, object], state: dict[str, object]) -> list[dict[str, object]]:
            return [{**event, "first": len(state)}, {"type": "second"}]

    class Then(ODDITIES["more_members"].make):  # type: ignore[misc, name-defined]
        """Then."""

        def event(self, wire: str, event: dict[str, object], state: dict[str, object]) -> dict[str, object] | None:
            state["seen"] = True
            return {**event, "then": True} if event["type"] != "second" else None

    both = together("Both", *(Oddity(kind.__name__, "", {}, kind) for kind in (First, Then)))
    assert isinstance(both.make, type)
    assert issubclass(both.make, Endpoint)
    told = both.make.event(None, "segue-ws", {"type": "welcome"}, {})  # type: ignore[attr-defined]
    assert told == [{"type": "welcome", "first": 0, "then": True}]
