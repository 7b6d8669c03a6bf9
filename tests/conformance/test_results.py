"""The result model, its JSON form, and the schema that is published for it."""

from __future__ import annotations

import json

import jsonschema
import pytest
from segue_conformance.reports.json_report import render, schema
from segue_conformance.results import FORMAT, NotAReport, read
from segue_conformance.verdicts import Verdict

CHECKS = '''
@check("SEG-MSG-001", profile="core")
async def test_plain_turn(subject):
    """A plain turn works."""
    subject.spend()

@check("SEG-CONT-010", profile="continuation")
async def test_bad(subject):
    """Something fails."""
    subject.recorder.note("hello")
    raise Deviation("it is bad", expected="a", actual="b")

@check("SEG-CONT-011", profile="continuation")
async def test_skipped(subject):
    """Something is not offered."""
    raise NotOffered("no")
'''


@pytest.fixture
def report(bench):
    bench.wires = ("openai-ws", "segue-http")
    bench.write("test_turns.py", CHECKS)
    return bench.run()


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(schema())


def test_a_report_is_valid_by_its_schema(report):
    document = json.loads(render(report))
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert document["format"] == FORMAT
    assert [result["verdict"] for result in document["results"]] == ["pass", "fail", "skip"] * 2


@pytest.mark.parametrize("member", ["target", "profiles", "results", "format", "exit_code"])
def test_the_schema_misses_what_is_missing(report, member):
    document = json.loads(render(report))
    del document[member]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema()).validate(document)


@pytest.mark.parametrize("member", ["check", "requirements", "profile", "wire", "verdict"])
def test_the_schema_misses_what_a_result_lacks(report, member):
    document = json.loads(render(report))
    del document["results"][0][member]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema()).validate(document)


def test_a_report_read_back_is_the_same_value(report):
    assert read(render(report).encode()) == report


def test_members_of_a_later_version_are_ignored(report):
    document = json.loads(render(report))
    document["weather"] = "fine"
    document["results"][0]["weather"] = "fine"
    assert read(json.dumps(document).encode()) == report


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "malformed|truncated"),
        (b"\xff", "malformed|invalid"),
        (b"[]", "format"),
        (b'{"format": "segue-report/2"}', "segue-report/2"),
        (b'{"format": "segue-report/1"}', "missing required"),
        (b"[" * 100_000, "depth|recursion|malformed|truncated"),
    ],
)
def test_what_is_no_report(data, words):
    with pytest.raises(NotAReport, match=words):
        read(data)


def test_counts_and_selection_of_results(report):
    assert report.counts()[Verdict.PASS] == 2
    assert report.counts("segue-http")[Verdict.FAIL] == 1
    assert [result.wire for result in report.of(Verdict.SKIP)] == ["openai-ws", "segue-http"]
