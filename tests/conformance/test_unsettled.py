"""Disputed requirements and checks newer than the release: they run, are shown, and count for nothing."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import jsonschema
import pytest
from segue_conformance import requirements
from segue_conformance.reports.console import console_for
from segue_conformance.reports.json_report import schema
from segue_conformance.reports.terminal import print_report
from segue_conformance.requirements import Index, IndexMissing
from segue_conformance.results import State, read
from segue_conformance.verdicts import Verdict

LINK = "https://issues.example/17"

CHECKS = '''
@check("SEG-MSG-001", profile="core")
async def test_plain_turn(subject):
    """A plain turn works."""
    subject.spend()
'''
ONE = '''
@check("{requirement}", profile="core")
async def test_{name}(subject):
    """One of several."""
    {body}
'''
FAILS = 'raise Deviation("bad", expected="a", actual="b")'


@pytest.fixture
def disputed(monkeypatch):
    index = requirements.load()
    about = {id: replace(r, disputed=LINK) if id == "SEG-MSG-003" else r for id, r in index.items()}
    changed = Index(index.spec, about)
    monkeypatch.setattr(requirements, "load", lambda: changed)


@pytest.fixture
def late(monkeypatch):
    monkeypatch.setattr(requirements, "unscored", lambda: frozenset({"turns.late"}))


def printed(report):
    stream = io.StringIO()
    print_report(console_for(stream, no_color=True), report)
    return " ".join(stream.getvalue().split())


@pytest.mark.parametrize("body", [FAILS, 'raise Inconclusive("x")', 'raise Untestable("x")'])
def test_a_disputed_requirement_blocks_nothing(bench, disputed, body):
    bench.write("test_turns.py", CHECKS, ONE.format(requirement="SEG-MSG-003", name="odd", body=body))
    report = bench.run()
    odd = report.results[1]
    assert (odd.disputed, odd.blocks, report.bears(odd)) == (LINK, False, False)
    assert report.state("core", "openai-ws").state is State.REACHED
    assert report.exit_code == 0
    jsonschema.Draft202012Validator(schema()).validate(json.loads(report.to_json()))
    assert read(report.to_json()) == report


def test_a_disputed_deviation_is_shown_with_its_link(bench, disputed):
    bench.write("test_turns.py", CHECKS, ONE.format(requirement="SEG-MSG-003", name="odd", body=FAILS))
    report = bench.run()
    assert report.results[1].verdict is Verdict.FAIL
    text = printed(report)
    assert "FAIL turns.odd" in text
    assert f"what SEG-MSG-003 means is disputed ({LINK})" in text


def test_another_requirement_of_the_same_check_still_counts(bench, disputed):
    body = 'raise Deviation("bad", expected="a", actual="b", requirement="SEG-MSG-004")'
    bench.write("test_turns.py", CHECKS, ONE.format(requirement="SEG-MSG-003", name="odd", body=body))
    report = bench.run()
    assert (report.results[1].disputed, report.exit_code) == ("", 1)


def test_a_check_newer_than_the_release_blocks_nothing(bench, late):
    bench.write("test_turns.py", CHECKS, ONE.format(requirement="SEG-MSG-003", name="late", body=FAILS))
    report = bench.run()
    assert (report.results[1].scored, report.results[0].scored) == (False, True)
    assert (report.results[1].verdict, report.exit_code) == (Verdict.FAIL, 0)
    assert "came after the release of specification" in printed(report)


def test_what_is_not_scored_reaches_no_profile(bench, late):
    new = ONE.format(requirement="SEG-CONT-010", name="late", body="subject.spend()").replace(
        '"core"', '"continuation"'
    )
    bench.write("test_turns.py", CHECKS, new)
    report = bench.run()
    assert report.results[1].verdict is Verdict.PASS
    assert report.state("continuation", "openai-ws").state is State.NOT_TESTED


def test_a_fault_of_the_suite_is_one_all_the_same(bench, late):
    bench.write("test_turns.py", CHECKS, ONE.format(requirement="SEG-MSG-003", name="late", body="1 / 0"))
    assert bench.run().exit_code == 4


def test_the_draft_has_no_check_that_is_too_new():
    assert requirements.unscored() == frozenset()


def test_the_list_of_late_checks_is_read(monkeypatch, tmp_path):
    path = tmp_path / "checks.json"
    path.write_text('{"not_scored": ["a.b"]}')
    monkeypatch.setattr(requirements, "_CHECKS", (tmp_path / "none.json", path))
    requirements.unscored.cache_clear()
    try:
        assert requirements.unscored() == {"a.b"}
        requirements.unscored.cache_clear()
        path.write_text("[]")
        with pytest.raises(IndexMissing):
            requirements.unscored()
    finally:
        monkeypatch.undo()
        requirements.unscored.cache_clear()
