"""Dialects: each entry speaks of something that exists and cites a document; two lines, and the exit code of one."""

from __future__ import annotations

import io
import json

import jsonschema
import pytest
from segue_conformance import dialects, requirements
from segue_conformance.registry import Catalogue
from segue_conformance.reports.console import console_for
from segue_conformance.reports.json_report import schema
from segue_conformance.reports.terminal import print_report
from segue_conformance.results import CheckResult, read
from segue_conformance.verdicts import Verdict

PLAIN = '''
@check("SEG-MSG-001", profile="core")
async def test_plain_turn(subject):
    """A plain turn works."""
    subject.spend()
'''
ONE = '''
@check("{requirement}", profile="core")
async def test_{name}(subject):
    """One of several."""
    raise {signal}
'''
BAD = 'Deviation("bad", expected="a", actual="b")'


def result(requirement, verdict, wire="openai-ws", check="a.b"):
    return CheckResult(
        check=check, title="t", requirements=(requirement,), profile="core", wire=wire, verdict=Verdict(verdict),
        strict=True, requirement=requirement, keyword="MUST", sentence="s",
    )  # fmt: skip


@pytest.mark.parametrize("name", dialects.NAMES)
def test_every_entry_speaks_of_something_and_cites_a_document(name):
    known, catalogue = requirements.load(), Catalogue.load()
    for entry in dialects.load(name).entries:
        assert entry.cites
        assert len(entry.text) > 40
        assert [id for id in entry.requirements if id not in known] == []
        assert [id for id in entry.checks if id not in catalogue] == []


def test_openai_is_shipped_and_says_both_things():
    found = dialects.load("openai")
    assert {entry.says for entry in found.entries} == {"otherwise", "nothing"}
    assert found.wires == ("openai-ws", "openai-http")


def test_no_requirement_has_two_entries_on_one_wire():
    seen = set()
    for entry in dialects.load("openai").entries:
        for pair in ((id, wire) for id in (*entry.requirements, *entry.checks) for wire in entry.wires):
            assert pair not in seen
            seen.add(pair)


def test_what_rests_on_the_documents_deviates_from_both():
    found = dialects.load("openai")
    measured = dialects.measured(
        found,
        [
            result("SEG-OWS-022", "warn"),  # documented: a deviation of both
            result("SEG-OWS-010", "warn"),  # documented otherwise
            result("SEG-OHTTP-032", "warn", "openai-http"),  # not documented there
            result("SEG-CONT-012", "inconclusive"),
            result("SEG-ISO-001", "untestable"),  # not documented: nothing to be judged
            result("SEG-CONT-013", "pass"),
            result("SEG-OWS-004", "pass"),  # not documented: proves nothing there
            result("SEG-CONT-012", "fail", "segue-ws"),
        ],
        ["openai-ws", "openai-http", "segue-ws"],
    )
    assert [line.check for line in measured.deviations] == ["a.b"]
    assert [(line.says, line.wire) for line in measured.beyond] == [
        ("otherwise", "openai-ws"),
        ("nothing", "openai-http"),
    ]
    assert (len(measured.open), measured.passed) == (1, 1)
    assert all(line.document for line in measured.beyond)


def printed(report):
    stream = io.StringIO()
    print_report(console_for(stream, no_color=True), report)
    return " ".join(stream.getvalue().split())


def test_two_lines_and_the_exit_code_of_the_specification(bench):
    bench.write("test_turns.py", PLAIN, ONE.format(requirement="SEG-MSG-003", name="no_json", signal=BAD))
    report = bench.run(dialect="openai")
    text = printed(report)
    assert "specification: deviates (1 failed, 1 passed)" in text
    assert "OpenAI's documents: conforms (1 passed)" in text
    assert "the specification's alone: turns.no_json openai-ws The answer to what is no JSON is not spoken of." in text
    assert report.exit_code == 1
    jsonschema.Draft202012Validator(schema()).validate(json.loads(report.to_json()))
    assert read(report.to_json()) == report


def test_what_is_documented_is_told_as_such(bench):
    bench.write("test_turns.py", PLAIN, ONE.format(requirement="SEG-CONT-012", name="lost", signal=BAD))
    text = printed(bench.run(dialect="openai"))
    assert "OpenAI's documents: deviates (1 failed, 1 passed)" in text
    assert "otherwise than documented: turns.lost" in text


def test_what_was_not_judged_is_not_proved(bench):
    bench.write("test_turns.py", PLAIN, ONE.format(requirement="SEG-CONT-012", name="lost", signal='Inconclusive("x")'))
    assert "OpenAI's documents: not proved (1 not judged, 1 passed)" in printed(bench.run(dialect="openai"))


def test_without_the_option_there_is_one_line(bench):
    bench.write("test_turns.py", PLAIN)
    report = bench.run()
    assert report.dialect is None
    assert "specification:" not in printed(report)


HEAD = "title = 'x'\nwires = ['openai-ws']\n[documents]\nd = 'D'\n[[entry]]\ntext = 't'\ndocument = 'd'\n"


@pytest.mark.parametrize(
    "text",
    [
        "x =",
        "title = 'x'",
        HEAD + "checks = ['a']",
        HEAD + "says = 'nothing'",
        HEAD + "checks = ['a']\nsays = 'so'",
        HEAD.replace("'d'", "'e'") + "checks = ['a']\nsays = 'nothing'",
        HEAD.replace("openai-ws", "smoke") + "checks = ['a']\nsays = 'nothing'",
    ],
)
def test_a_wrong_file_is_a_fault_of_the_suite(tmp_path, text):
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(dialects.DialectFault):
        dialects.load("x", tmp_path)


def test_wrong_usage(check):
    ran = check("http://x.test", "--dialect", "klingon")
    assert (ran.code, "klingon" in ran.all) == (2, True)
    ran = check("http://x.test", "--dialect", "openai", "--wire", "segue-ws")
    assert (ran.code, "--wire asks for others" in ran.all) == (2, True)
