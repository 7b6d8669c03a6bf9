"""Claims: what works and is declared nowhere is told, and no verdict; what is declared and refused is a failure."""

from __future__ import annotations

import io
import json

import msgspec
from segue_conformance.claims import undeclared
from segue_conformance.reports.console import console_for
from segue_conformance.reports.terminal import print_report
from segue_conformance.results import CheckResult
from segue_conformance.verdicts import Verdict
from segue_schemas import models


def result(check, wire, verdict=Verdict.PASS):
    return CheckResult(
        check=check, title="t", requirements=("SEG-MSG-001",), profile="core", wire=wire, verdict=verdict, strict=True,
        requirement="SEG-MSG-001", keyword="MUST", sentence="s",
    )  # fmt: skip


def document(**binding):
    told = {
        "versions": ["1.0"], "endpoint": "e",
        "bindings": [{"wire": "openai-ws", "url": "ws://a/v1/responses", **binding}],
        "capabilities": {
            "model_input": "exact", "principal": "key", "names_survive": "process", "retention": ["cached"],
            "features": ["lanes"],
        },
        "limits": {"heartbeat_ms": 1, "message_bytes": 1, "replay_ms": 1, "name_ms": 1},
    }  # fmt: skip
    return msgspec.json.decode(json.dumps(told), type=models.Discovery)


WORKS = (
    result("lanes.lanes_run_side_by_side", "openai-ws"),
    result("wire_openai_ws.lane_names", "openai-ws"),
    result("liveness.warm_up_is_history", "openai-ws"),
)


def test_without_a_document_all_that_works_is_told():
    (note,) = undeclared(WORKS, None)
    assert note == "Works on openai-ws and is declared nowhere: lanes, warm_up (there is no discovery document)."


def test_with_a_document_what_it_leaves_out_is_told():
    (note,) = undeclared(WORKS, document())
    assert "nowhere: warm_up (the discovery document" in note
    assert undeclared(WORKS, document(features=["lanes", "warm_up"])) == ()


def test_what_does_not_work_or_is_of_segues_wires_is_not_told():
    failed = [result("lanes.lanes_run_side_by_side", "openai-ws", Verdict.FAIL)]
    native = [result("liveness.warm_up_is_history", "segue-ws")]
    assert undeclared([*failed, *native], None) == ()


def test_a_note_is_in_the_report_and_changes_no_exit_code(bench, monkeypatch):
    monkeypatch.setattr("segue_conformance.runner.undeclared", lambda results, document: ("lanes work.",))
    bench.write(
        "test_turns.py",
        '''
        @check("SEG-MSG-001", profile="core")
        async def test_plain_turn(subject):
            """A plain turn works."""
            subject.spend()
        ''',
    )
    report = bench.run()
    assert (report.notes, report.exit_code) == (("lanes work.",), 0)
    stream = io.StringIO()
    print_report(console_for(stream, no_color=True), report)
    assert "Worth knowing" in stream.getvalue()
    assert "lanes work." in stream.getvalue()
