"""What stands between a check and the endpoint: the first check, the budget, the time, and who is to blame."""

from __future__ import annotations

import pytest
from segue_conformance import execution
from segue_conformance.results import State
from segue_conformance.verdicts import Verdict

PLAIN = '''
@check("SEG-MSG-001", profile="core")
async def test_plain_turn(subject):
    """A plain turn works."""
    subject.spend()
'''

OTHER = '''
@check("SEG-CONT-010", profile="continuation")
async def test_other(subject):
    """Another."""
    subject.spend()
'''


def verdicts(report):
    return {result.check: result.verdict for result in report.results}


def only(report, check):
    (result,) = [result for result in report.results if result.check == check]
    return result


def test_the_first_check_comes_first_whatever_its_file(bench):
    bench.write("test_a.py", OTHER)
    bench.write("test_turns.py", PLAIN)
    report = bench.run()
    assert [result.check for result in report.results] == ["turns.plain_turn", "a.other"]
    assert [subject.closed for subject in bench.subjects] == [True, True]
    assert report.requests == 2
    assert report.exit_code == 0


@pytest.mark.parametrize(
    "line", ["raise Untestable('no')", "1/0", "raise Inconclusive('busy')", "raise NotOffered('no')"]
)
def test_nothing_runs_where_no_plain_turn_works(bench, line):
    bench.write("test_turns.py", PLAIN.replace("subject.spend()", line))
    bench.write(
        "test_a.py",
        OTHER,
        '''
        @check("SEG-CONT-011", profile="continuation", needs_turn=False)
        async def test_alone(subject):
            """Stands by itself."""
        ''',
    )
    report = bench.run()
    assert only(report, "a.other").verdict is Verdict.UNTESTABLE
    assert "turns.plain_turn" in only(report, "a.other").message
    assert only(report, "a.alone").verdict is Verdict.PASS
    assert len(bench.subjects) == 2
    assert report.state("continuation", "openai-ws").state is State.NOT_REACHED
    assert report.exit_code != 0


def test_only_brings_the_first_check_along(bench):
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", OTHER, OTHER.replace("test_other", "test_left_out"))
    report = bench.run(only=["other"])
    assert set(verdicts(report)) == {"turns.plain_turn", "a.other"}
    assert {state.state for state in report.profiles} <= {State.NOT_TESTED, State.NOT_REACHABLE}
    assert report.exit_code == 0


def test_what_the_budget_does_not_reach_is_inconclusive(bench):
    from dataclasses import replace

    bench.settings = replace(bench.settings, max_requests=2)
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", OTHER, OTHER.replace("test_other", "test_b"), OTHER.replace("test_other", "test_c"))
    report = bench.run()
    assert list(verdicts(report).values()) == ["pass", "pass", "inconclusive", "inconclusive"]
    assert "out of budget" in only(report, "a.c").message
    assert len(bench.subjects) == 2
    assert report.requests == 2
    assert report.exit_code == 5


def test_a_budget_that_ends_in_a_check_is_inconclusive_too(bench):
    from dataclasses import replace

    bench.settings = replace(bench.settings, max_requests=2)
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", OTHER.replace("subject.spend()", "subject.spend(); subject.spend()"))
    report = bench.run()
    assert only(report, "a.other").verdict is Verdict.INCONCLUSIVE
    assert report.requests == 2


@pytest.mark.parametrize(
    "body",
    [
        "await asyncio.sleep(3600)",
        "while True:\n        try:\n            await asyncio.sleep(3600)\n        except asyncio.CancelledError: pass",
    ],
)
def test_a_check_that_hangs_is_the_suite_own_fault_and_ends(bench, monkeypatch, body):
    monkeypatch.setattr(execution, "_TURNS", 0)
    monkeypatch.setattr(execution, "_SPARE", 0.05)
    monkeypatch.setattr(execution, "_CLOSING", 0.05)
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", OTHER.replace("subject.spend()", body))
    report = bench.run()
    assert only(report, "a.other").verdict is Verdict.ERROR
    assert "hangs" in only(report, "a.other").message
    assert report.exit_code == 4


def test_a_broken_check_is_an_error_and_its_traceback_is_kept_apart(bench):
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", OTHER.replace("subject.spend()", "subject.nonsense"))
    report = bench.run()
    assert only(report, "a.other").verdict is Verdict.ERROR
    assert "Traceback" not in report.to_json().decode()
    assert any("nonsense" in detail and "Traceback" in detail for detail in bench.details)
    assert report.exit_code == 4


def test_a_should_warns_and_blocks_nothing(bench):
    bench.write("test_turns.py", PLAIN)
    bad = 'raise Deviation("it is left out", expected="a", actual="b")'
    bench.write("test_a.py", OTHER.replace("SEG-CONT-010", "SEG-OHTTP-012").replace("subject.spend()", bad))
    report = bench.run()
    result = only(report, "a.other")
    assert (result.verdict, result.keyword, result.strict) == (Verdict.WARN, "SHOULD", False)
    assert report.exit_code == 0


def test_a_deviation_may_name_another_requirement_and_its_keyword_counts(bench):
    bench.write("test_turns.py", PLAIN)
    bad = 'raise Deviation("left out", expected="a", actual="b", requirement="{}")'
    bench.write(
        "test_a.py",
        OTHER.replace("subject.spend()", bad.format("SEG-OHTTP-012")),
        OTHER.replace("SEG-CONT-010", "SEG-OHTTP-012")
        .replace("test_other", "test_must")
        .replace("subject.spend()", bad.format("SEG-MSG-001")),
    )
    report = bench.run()
    assert only(report, "a.other").verdict is Verdict.WARN
    assert only(report, "a.other").requirement == "SEG-OHTTP-012"
    assert only(report, "a.must").verdict is Verdict.FAIL
    assert only(report, "a.must").requirement == "SEG-MSG-001"


def test_a_second_key_is_asked_for(bench):
    bench.write("test_turns.py", PLAIN)
    bench.write(
        "test_a.py",
        '''
        @check("SEG-ISO-001", profile="isolated", needs_second_key=True)
        async def test_foreign(subject):
            """A foreign handle does not exist."""
        ''',
    )
    report = bench.run()
    assert only(report, "a.foreign").verdict is Verdict.SKIP
    state = report.state("isolated", "openai-ws")
    assert (state.state, "--second-api-key-env" in state.reason) == (State.NOT_TESTED, True)
    assert report.exit_code == 0


def test_first_contact_is_kept_and_accuses_nobody(bench):
    bench.wires = ("openai-ws", "openai-http")
    bench.write(
        "test_turns.py", PLAIN.replace("subject.spend()", 'raise Unauthorised("401 came", "http://x", "a key?")')
    )
    bench.write("test_a.py", OTHER)
    report = bench.run()
    assert [fault.wire for fault in report.contact] == ["openai-ws", "openai-http"]
    assert (report.contact[0].what, report.contact[0].hint) == ("401 came", "a key?")
    assert not report.of(Verdict.FAIL)
    assert report.exit_code == 3


@pytest.mark.parametrize(("plain_turn_works", "judged"), [(False, 3), (True, 7)])
def test_an_endpoint_that_stops_answering_is_not_waited_for_again_and_again(bench, plain_turn_works, judged):
    gone = 'subject.spend()\n    raise TimedOut("nothing came for 30 s", "http://x")'
    later = 'subject.spend()\n    if subject.budget.spent > 1: raise TimedOut("nothing came for 30 s", "http://x")'
    bench.write("test_turns.py", PLAIN if plain_turn_works else PLAIN.replace("subject.spend()", later))
    bench.write(
        "test_a.py", *(OTHER.replace("test_other", f"test_n{n}").replace("subject.spend()", gone) for n in range(7))
    )
    report = bench.run()
    assert len(report.of(Verdict.FAIL)) == judged
    left = report.of(Verdict.UNTESTABLE)
    assert len(left) == 7 - judged
    assert all("stopped answering" in result.message for result in left)
    # The plain turn is asked again once for every three; its requests count.
    assert report.requests == (1 + 3 + 1 if not plain_turn_works else 1 + 7 + 2)


def test_an_interruption_leaves_a_whole_report(bench):
    bench.write("test_turns.py", PLAIN)
    bench.write(
        "test_a.py",
        OTHER.replace("subject.spend()", "raise KeyboardInterrupt"),
        OTHER.replace("test_other", "test_later"),
    )
    report = bench.run()
    assert report.interrupted
    assert list(verdicts(report).values()) == ["pass", "inconclusive", "inconclusive"]
    assert {only(report, id).message for id in ("a.other", "a.later")} == {"interrupted"}
    assert report.exit_code == 5


def test_long_transcripts_keep_beginning_and_end(bench):
    bench.write(
        "test_turns.py",
        PLAIN.replace(
            "subject.spend()",
            'subject.spend()\n    for n in range(200): subject.recorder.note(f"n{n}")\n'
            '    raise Deviation("bad", expected="a", actual="b")',
        ),
    )
    (result,) = bench.run().results
    texts = [frame.text for frame in result.frames]
    assert len(texts) == 61
    assert (texts[0], texts[-1]) == ("n0", "n199")
    assert "140 frames left out" in texts


def test_no_transcript_is_kept_of_what_passed(bench):
    bench.write("test_turns.py", PLAIN.replace("subject.spend()", 'subject.recorder.note("x")'))
    (result,) = bench.run().results
    assert (result.verdict, result.frames) == (Verdict.PASS, ())


def test_a_planted_key_reaches_no_report(bench):
    from dataclasses import replace

    from segue_conformance.reports import json_report, junit

    key, header = "sk-planted/1234567890", "Basic cGxhbnRlZDpzZWNyZXQ="
    bench.settings = replace(bench.settings, api_key=key, headers={"X-Auth-Token": header})
    tell = f'''
    subject.recorder.note("key {key}")
    raise Deviation("the key {key} came back", expected="no {header}", actual="{header.split()[1]} and {key}")
    '''
    bench.write("test_turns.py", PLAIN.replace("subject.spend()", tell.strip()))
    report = bench.run()
    for text in (json_report.render(report), junit.render(report), repr(report)):
        assert key not in text
        assert "cGxhbnRlZDpzZWNyZXQ" not in text
        assert "[blanked]" in text
