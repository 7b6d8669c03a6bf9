"""Checks side by side: as many as were asked for, each told once, and no failure believed that passes alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from segue_conformance.results import read
from segue_conformance.verdicts import Verdict

PLAIN = '''
@check("SEG-MSG-001", profile="core")
async def test_plain_turn(subject):
    """A plain turn works."""
    subject.spend()
'''

# How many of them are under way is seen by each of them.
MEETING = """
import builtins
seen = builtins.__dict__.setdefault("{book}", {{"now": 0, "most": 0}})

async def meet(subject):
    subject.spend()
    seen["now"] += 1
    seen["most"] = max(seen["most"], seen["now"])
    for _ in range(20):
        await asyncio.sleep(0)
    seen["now"] -= 1
"""

ONE = '''
@check("SEG-CONT-010", profile="continuation")
async def test_{name}(subject):
    """One of several."""
    {body}
'''


def several(body: str, count: int = 4) -> list[str]:
    return [ONE.format(name=f"check_{place}", body=body) for place in range(count)]


@pytest.fixture
def book(monkeypatch):
    import builtins

    name = "_segue_meeting"
    monkeypatch.setattr(builtins, name, {"now": 0, "most": 0}, raising=False)
    return name, lambda: getattr(builtins, name)["most"]


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_no_more_run_at_once_than_asked_for(bench, book, at_once):
    name, most = book
    bench.settings = replace(bench.settings, concurrency=at_once)
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", MEETING.format(book=name), *several("await meet(subject)"))
    report = bench.run()
    assert most() == at_once
    assert [result.verdict for result in report.results] == [Verdict.PASS] * 5
    assert report.requests == 5


def test_the_plain_turn_still_comes_first(bench):
    bench.settings = replace(bench.settings, concurrency=4)
    bench.write("test_turns.py", PLAIN.replace("subject.spend()", "raise Untestable('no')"))
    bench.write("test_a.py", *several("subject.spend()"))
    report = bench.run()
    assert {result.verdict for result in report.results} == {Verdict.UNTESTABLE}
    assert len(bench.subjects) == 1


def test_a_failure_that_passes_alone_is_flaky(bench, book):
    name, _ = book
    body = 'await meet(subject)\n    if seen["most"] > 1 and not seen.get(subject.wire + "x"):\n'
    body += '        seen[subject.wire + "x"] = True\n        raise Deviation("late", expected="a", actual="b")'
    bench.settings = replace(bench.settings, concurrency=2)
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", MEETING.format(book=name), *several(body, 2))
    report = bench.run()
    flaky = [result for result in report.results if result.flaky]
    assert len(flaky) == 1
    assert flaky[0].verdict is Verdict.PASS
    assert "fail beside other checks" in flaky[0].message
    assert "late" in flaky[0].message
    assert report.exit_code == 0
    assert read(report.to_json()) == report


def test_a_failure_that_stays_is_told_once(bench):
    heard = []

    class Ear:
        def begin(self, check, wire):
            pass

        def end(self, result):
            heard.append((result.check, result.verdict))

    bench.settings = replace(bench.settings, concurrency=3)
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", *several('subject.spend(); raise Deviation("bad", expected="a", actual="b")', 3))
    report = bench.run(progress=Ear())
    assert sorted(heard) == sorted((result.check, result.verdict) for result in report.results)
    assert [result.verdict for result in report.results[1:]] == [Verdict.FAIL] * 3
    assert not any(result.flaky for result in report.results)
    # Each of them twice, and the plain turn once.
    assert report.requests == 7


def test_an_interruption_leaves_nothing_out(bench):
    interrupt = "import os, signal; os.kill(os.getpid(), signal.SIGINT); await asyncio.sleep(3600)"
    bench.settings = replace(bench.settings, concurrency=2)
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", *several(interrupt, 1), ONE.format(name="more", body="subject.spend()"))
    report = bench.run()
    assert report.interrupted
    assert {result.check for result in report.results} == {"turns.plain_turn", "a.check_0", "a.more"}
    assert report.exit_code == 5


def test_one_that_hangs_is_an_error_and_the_others_go_on(bench, monkeypatch):
    from segue_conformance import execution

    monkeypatch.setattr(execution, "_TURNS", 0)
    monkeypatch.setattr(execution, "_SPARE", 0.2)
    monkeypatch.setattr(execution, "_CLOSING", 0.05)
    bench.settings = replace(bench.settings, concurrency=2)
    stubborn = (
        "while True:\n        try:\n            await asyncio.sleep(3600)\n        except asyncio.CancelledError: pass"
    )
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", ONE.format(name="stuck", body=stubborn), *several("subject.spend()", 3))
    report = bench.run()
    found = {result.check: result.verdict for result in report.results}
    assert found.pop("a.stuck") is Verdict.ERROR
    assert set(found.values()) == {Verdict.PASS}


TIMED = '''
@check("SEG-CONT-010", profile="continuation", timing={timing})
async def test_late(subject):
    """It comes in time."""
    subject.spend()
    {body}
'''


@pytest.mark.parametrize(("timing", "verdict"), [(True, Verdict.PASS), (False, Verdict.FAIL)])
def test_a_timing_failure_is_looked_at_twice_also_where_nothing_runs_beside_it(bench, book, timing, verdict):
    name, _ = book
    body = f'import builtins; seen = builtins.{name}; seen["now"] += 1\n'
    body += '    if seen["now"] == 1: raise Deviation("late", expected="a", actual="b")'
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", TIMED.format(timing=timing, body=body))
    report = bench.run()
    late = report.results[1]
    assert (late.verdict, late.flaky) == (verdict, timing)
    if timing:
        assert late.message == "fail at first, pass when it was run again, alone: late"
        assert report.requests == 3


def test_a_timing_failure_that_comes_again_is_one(bench):
    body = 'raise Deviation("late", expected="a", actual="b")'
    for at_once in (1, 3):
        bench.settings = replace(bench.settings, concurrency=at_once)
        bench.write("test_turns.py", PLAIN)
        bench.write("test_a.py", TIMED.format(timing=True, body=body))
        report = bench.run()
        assert (report.results[1].verdict, report.results[1].flaky) == (Verdict.FAIL, False)
        assert report.requests == 3  # the plain turn, and twice the other: never a third time


def test_an_exhausted_budget_looks_once(bench):
    bench.settings = replace(bench.settings, max_requests=2)
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", TIMED.format(timing=True, body='raise Deviation("late", expected="a", actual="b")'))
    report = bench.run()
    assert report.results[1].verdict is Verdict.FAIL
    assert report.requests == 2


def test_a_busy_endpoint_is_asked_again(bench, book):
    name, _ = book
    body = f'import builtins; seen = builtins.{name}; seen["now"] += 1\n'
    body += '    if seen["now"] < 3: raise Busy("full", 0.0)'
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", TIMED.format(timing=False, body=body))
    report = bench.run()
    assert (report.results[1].verdict, report.results[1].flaky, report.requests) == (Verdict.PASS, False, 4)


def test_a_busy_endpoint_is_not_asked_for_ever(bench):
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", TIMED.format(timing=False, body='raise Busy("full", 0.0)'))
    report = bench.run()
    assert (report.results[1].verdict, report.requests) == (Verdict.INCONCLUSIVE, 4)
