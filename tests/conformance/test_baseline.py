"""Baselines: as they say, and in each way otherwise; what is refused when one is read; the skeleton."""

from __future__ import annotations

import io
import json
import tomllib
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from segue_conformance.baseline import BaselineFault, compare, read_baseline, skeleton
from segue_conformance.reports import junit
from segue_conformance.reports.console import console_for
from segue_conformance.reports.json_report import schema
from segue_conformance.reports.terminal import print_report
from segue_conformance.results import read
from segue_conformance.verdicts import Verdict

PLAIN = '''
@check("SEG-MSG-001", profile="core")
async def test_plain_turn(subject):
    """A plain turn works."""
    subject.spend()
'''
BODIES = {
    "pass": "subject.spend()",
    "fail": 'subject.spend(); raise Deviation("bad", expected="a", actual="b")',
    "skip": 'raise NotOffered("not here")',
    "inconclusive": 'raise Inconclusive("who knows")',
    "untestable": 'raise Untestable("no ground")',
    "error": "1 / 0",
}


def one(name, verdict, requirement="SEG-CONT-010"):
    return f'''
@check("{requirement}", profile="continuation")
async def test_{name}(subject):
    """One of several."""
    {BODIES[verdict]}
'''


@pytest.fixture
def baseline(tmp_path):
    def write(text):
        path = tmp_path / "baseline.toml"
        path.write_text(text, encoding="utf-8")
        return read_baseline(str(path))

    return write


def entry(check="a.one", verdict="fail", reason="known", more=""):
    return f'[[expected]]\nchecks = ["{check}"]\nverdict = "{verdict}"\nreason = "{reason}"\n{more}\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "unknown key 'x' (there is expected)"),
        ("[[expectd]]", "did you mean 'expected'?"),
        ("expected = 1", "tables [[expected]]"),
        ("[[expected]]\nverdict = 'fail'", "`checks` is a list of strings"),
        ("[[expected]]\nchecks = 'a'", "`checks` is a list of strings"),
        (entry(reason=""), "gives no reason"),
        (entry(reason="  "), "gives no reason"),
        (entry(verdict="error"), "`verdict` is one of fail, warn, untestable, inconclusive, not 'error'"),
        (entry(verdict="pass"), "`verdict` is one of"),
        (entry(more='wire = ["openai-ws"]'), "did you mean 'wires'?"),
        (entry(more='wires = ["smoke"]'), "no such wire: 'smoke'"),
        (entry(more="wires = []"), "`wires` is a list of strings"),
        (entry() + entry(more='wires = ["openai-ws"]'), "speaks twice of a.one on openai-ws"),
        ("x =", "is no TOML"),
    ],
)
def test_what_is_refused(baseline, text, said):
    with pytest.raises(BaselineFault) as told:
        baseline(text)
    assert said in str(told.value)


def test_a_file_that_is_not_there():
    with pytest.raises(BaselineFault) as told:
        read_baseline("/nowhere/at/all.toml")
    assert "can't read" in str(told.value)


@pytest.mark.parametrize(
    ("verdict", "text", "code", "kinds"),
    [
        ("pass", "", 0, []),
        ("fail", entry(), 0, ["expected"]),
        ("fail", entry(more='wires = ["openai-ws"]'), 0, ["expected"]),
        ("fail", entry(more='wires = ["openai-http"]'), 1, ["unexpected"]),
        ("fail", "", 1, ["unexpected"]),
        ("untestable", "", 5, ["unexpected"]),
        ("untestable", entry(verdict="untestable"), 0, ["expected"]),
        ("inconclusive", entry(), 5, ["changed"]),
        ("fail", entry(verdict="inconclusive"), 1, ["changed"]),
        ("pass", entry(), 1, ["stale"]),
        ("skip", entry(), 1, ["stale"]),
        ("pass", entry("a.gone"), 1, ["stale"]),
        ("error", entry(), 4, []),
    ],
)
def test_as_it_says_and_otherwise(bench, baseline, verdict, text, code, kinds):
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", one("one", verdict))
    report = bench.run(baseline=baseline(text))
    assert report.exit_code == code
    assert [line.kind for line in report.baseline.lines] == kinds
    jsonschema.Draft202012Validator(schema()).validate(json.loads(report.to_json()))
    assert read(report.to_json()) == report


def test_a_warning_needs_no_entry_and_may_have_one(bench, baseline):
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", one("one", "fail", requirement="SEG-CAP-002"))
    assert bench.run(baseline=baseline("")).exit_code == 0
    assert bench.run(baseline=baseline(entry(verdict="warn"))).exit_code == 0
    assert bench.run(baseline=baseline(entry(verdict="fail"))).exit_code == 1


def test_what_was_not_run_is_not_stale(bench, baseline):
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", one("one", "fail"), one("two", "fail"))
    report = bench.run(baseline=baseline(entry() + entry("a.two")), only=["a.one"])
    assert (report.exit_code, len(report.baseline.lines)) == (0, 1)


def printed(report):
    stream = io.StringIO()
    print_report(console_for(stream, no_color=True), report)
    return stream.getvalue()


def test_the_terminal_tells_both_ways_apart(bench, baseline):
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", one("one", "fail"), one("two", "fail"), one("three", "pass"))
    text = printed(bench.run(baseline=baseline(entry(reason="an old sin") + entry("a.three"))))
    assert "As the baseline says" in text
    assert "an old sin" in text
    assert "FAIL  a.one" not in text
    assert "FAIL  a.two" in text
    assert "a.two  openai-ws  is in no entry of the baseline (fail now)" in text
    assert "a.three  openai-ws  stands in the baseline, and no longer holds: take the entry out (pass now)" in text
    assert "Not everything is as the baseline says" in text


def test_a_build_server_shows_green_what_is_expected(bench, baseline):
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", one("one", "fail"), one("two", "fail"), one("three", "pass"))
    root = ET.fromstring(junit.render(bench.run(baseline=baseline(entry() + entry("a.three")))))
    assert {key: root.get(key) for key in ("tests", "failures", "skipped")} == {
        "tests": "4", "failures": "2", "skipped": "1",
    }  # fmt: skip


def test_a_skeleton_is_refused_until_its_reasons_are_filled_in(bench, baseline, tmp_path):
    bench.write("test_turns.py", PLAIN)
    bench.write("test_a.py", one("one", "fail"), one("two", "untestable"), one("three", "pass"))
    report = bench.run()
    text = skeleton(report)
    assert [row["checks"] for row in tomllib.loads(text)["expected"]] == [["a.one"], ["a.two"]]
    with pytest.raises(BaselineFault):
        baseline(text)
    filled = baseline(text.replace('reason = ""', 'reason = "so it is"'))
    assert bench.run(baseline=filled).exit_code == 0
    # The reasons of an older one stay, where what they explain stays.
    again = tomllib.loads(skeleton(report, baseline(entry(reason="so it is") + entry("a.two", "fail"))))["expected"]
    assert [row["reason"] for row in again] == ["so it is", ""]


def test_a_message_can_not_leave_its_comment(bench):
    bench.write("test_turns.py", PLAIN)
    evil = "raise Inconclusive('x\\n[[expected]]\\nchecks = 1\\u2028 y\\r[z]')"
    bench.write("test_a.py", one("one", "pass").replace(BODIES["pass"], evil))
    assert len(tomllib.loads(skeleton(bench.run()))["expected"]) == 1


def test_wrong_usage(check, tmp_path):
    (tmp_path / "b.toml").write_text(entry(reason=""))
    for words, said in (
        (["--baseline", "none.toml"], "--baseline: can't read"),
        (["--baseline", "b.toml"], "gives no reason"),
        (["--write-baseline", "b.toml"], "is there already"),
        (["--write-baseline", "-"], "the name of a file"),
        (["--write-baseline", "no/such/x.toml"], "can't write"),
    ):
        ran = check("http://x.test", *words)
        assert ran.code == 2, ran.all
        assert said in ran.all


def test_the_whole_way(check, server, tmp_path):
    words = [f"http://127.0.0.1:{server('mock')}/v1", "--only", "parent_refused", "--timeout", "2"]
    ran = check(*words, "--write-baseline", "b.toml")
    assert ran.code == 1, ran.all
    text = (tmp_path / "b.toml").read_text()
    assert "continuation.unknown_parent_refused" in text
    (tmp_path / "b.toml").write_text(text.replace('reason = ""', 'reason = "a mock"'))
    ran = check(*words, "--baseline", "b.toml")
    assert ran.code == 0, ran.all
    assert "Everything is as the baseline says" in ran.out


def test_comparing_needs_no_result(bench, baseline):
    bench.write("test_turns.py", PLAIN.replace("subject.spend()", "raise Untestable('x')"))
    report = bench.run()
    assert compare(baseline(""), report, []).of("expected") == []
    assert report.results[0].verdict is Verdict.UNTESTABLE
