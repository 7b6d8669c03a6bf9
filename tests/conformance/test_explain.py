"""`segue explain`: everything that has an id is explained, from what the specification, the schemas and runs say."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from segue_conformance import chapters, requirements
from segue_conformance.explain import examples, known, subjects
from segue_conformance.explain.cli import explain
from segue_conformance.registry import Catalogue
from segue_conformance.results import Report, Target
from segue_conformance.verdicts import Verdict


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


def told(*arguments: str) -> str:
    ran = CliRunner().invoke(explain, [*arguments, "--no-color"], catch_exceptions=False, env={"COLUMNS": "100"})
    assert ran.exit_code == 0, ran.output
    return ran.output


def test_a_requirement_with_all_that_belongs_to_it():
    text = told("seg-cont-012")
    flat = " ".join(text.split())
    assert text.startswith("SEG-CONT-012  MUST, continuation\n")
    for part in (
        "An endpoint MUST put what the user said in earlier turns of the history before the model.",
        "Why it is there Why each by itself: endpoints were found that ignored an unknown reference",
        "Checks that prove it continuation.users_words_one_hop on segue-ws, segue-http, openai-ws, openai-http",
        "Kept: continuation.users_words_one_hop on segue-ws, the reference endpoint",
        "Broken: the same on an endpoint with a fault (ignores_parent)",
        "control with the whole history in one request the answer was",
        "Known to break it fail aimock on openai-ws",
        "fail aimock on openai-ws, openai-http, continuation.users_words_one_hop",
        "Continuation, Parents: spec/1.0/continuation.md#parents",
        "SEG-CONT-013 An endpoint MUST put what the model itself said",
    ):  # fmt: skip
        assert part in flat, part


def test_what_is_kept_and_what_is_broken_came_over_the_wire():
    text = told("continuation.users_words_one_hop")
    kept, _, broken = text.partition("Broken: ")
    word = re.search(r"Remember this word: (\w+-\d+)\.", " ".join(kept.split()))
    assert word is not None
    assert f'item.delta "{word[1]}"' in kept
    assert "⟦I do not know any word.⟧" in broken


def test_no_run_performs_nothing():
    text = told("SEG-CONT-012", "--no-run")
    assert "Broken: " not in text
    assert "Known to break it" in text


def test_a_check_with_its_faults():
    flat = " ".join(told("retention.deleted_handle_is_gone", "--no-run").split())
    assert "What it proves SEG-CONT-071" in flat
    assert 'deletes_nothing Answers a delete with "deleted" and keeps the handle.' in flat
    assert "segue check URL --only retention.deleted_handle_is_gone" in flat


def test_an_error_code_with_what_a_client_does():
    flat = " ".join(told("continuation_not_found").split())
    for part in (
        "advice: resend_full", "effect: none", "status over HTTP: 404", "what a client does: start: the whole history",
        "SEG-CONT-010 An endpoint MUST refuse a turn whose parent", "In a session (lost-parent-and-full-resend.ndjson)",
    ):  # fmt: skip
        assert part in flat, part


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("SEG-CONT-0012", "SEG-CONT-012"), ("users_words_one_hop", "continuation.users_words_one_hop"),
        ("continuation_notfound", "continuation_not_found"), ("seg-cont-12", "SEG-CONT-012"),
    ],
)  # fmt: skip
def test_an_unknown_id_leads_to_those_that_are_near(wrong, right):
    ran = CliRunner().invoke(explain, [wrong])
    assert ran.exit_code == 2
    assert right in ran.output


def test_an_id_like_nothing_says_where_ids_are():
    ran = CliRunner().invoke(explain, ["§§§"])
    assert ran.exit_code == 2
    assert "segue check --list" in ran.output


def test_everything_that_has_an_id_can_be_explained(catalogue):
    ids = [*requirements.load(), *(check.id for check in catalogue), *subjects.codes()]
    text = told("--no-run", *ids)
    for id in ids:
        assert re.search(rf"^{re.escape(id)}  ", text, re.MULTILINE), id
    assert "](" not in text
    assert "**" not in text


def test_codes_are_those_of_the_schema():
    assert {"continuation_not_found", "malformed_message", "internal_error", "history_mismatch"} <= set(
        subjects.codes()
    )
    assert len(subjects.codes()) >= 25
    assert all(code.advice and code.effect and code.happened for code in subjects.codes().values())
    assert all(code.comes_as and code.to_do for code in subjects.codes().values())


# -- the chapters


def test_every_requirement_is_found_in_its_section():
    for requirement in requirements.load().values():
        section = chapters.section_of(requirement)
        assert section is not None, requirement.id
        assert (section.chapter, section.anchor or requirement.anchor) == (requirement.chapter, requirement.anchor)


def test_why_is_taken_from_where_it_stands():
    index = requirements.load()
    reason = chapters.reason_of(index["SEG-ISO-001"])
    assert reason.why[0].startswith("Why: a gateway let a stranger's key read")
    assert all("Why" not in text for text in reason.beside)
    assert [d.number for d in chapters.decisions_of(index["SEG-ERR-002"])] == ["0004"]
    with_why = [r for r in index.values() if chapters.reason_of(r).why]
    assert len(with_why) > len(index) // 2


def test_no_text_is_no_fault(monkeypatch):
    monkeypatch.setattr(chapters, "_PLACES", ())
    chapters._sections.cache_clear()
    try:
        requirement = requirements.load()["SEG-CONT-012"]
        assert chapters.section_of(requirement) is None
        assert chapters.reason_of(requirement) == chapters.Reason((), ())
        assert chapters.decisions_of(requirement) == ()
    finally:
        chapters._sections.cache_clear()


# -- examples


def test_examples_are_of_what_is_named():
    terms = examples.terms_of("An endpoint MUST number `turn.accepted` with `seq` 0.")
    assert terms == ["turn.accepted", "seq"]
    good, bad = examples.valid(terms), examples.invalid(terms)
    assert good is not None
    assert '"type": "turn.accepted"' in good.text
    assert bad is not None
    assert (bad.file, bad.why) == ("native/invalid/ServerMessage.turn_accepted_seq_1.json", "acceptance is event 0")


def test_one_common_word_has_no_example():
    assert examples.valid(examples.terms_of("a turn with a `context`")) is None
    assert examples.valid([]) is None
    assert examples.piece_of_session(["context"]) is None


def test_what_is_excepted_is_not_meant():
    assert examples.terms_of("further events, but `turn.progress`, with a `seq`") == ["seq"]


# -- who breaks it


def test_reports_that_are_named_are_looked_into_too(tmp_path):
    from test_html_report import report, result

    bad = result("fail", check="a.b", requirements=("SEG-CONT-012",), requirement="SEG-CONT-012", message="lost it")
    path = tmp_path / "ours.json"
    path.write_bytes(report(bad).to_json())
    flat = " ".join(told("SEG-CONT-012", "--no-run", "--report", str(path)).split())
    assert "fail ours on segue-ws, a.b (2026-01-01, suite 0.1): lost it" in flat


@pytest.mark.parametrize(("content", "words"), [(None, "can't read"), ("{}", "no report")])
def test_a_file_that_is_no_report(tmp_path, content, words):
    path = tmp_path / "x.json"
    if content is not None:
        path.write_text(content)
    ran = CliRunner().invoke(explain, ["SEG-CONT-012", "--report", str(path)])
    assert ran.exit_code == 2
    assert words in ran.output


def test_who_breaks_it_is_read_from_the_committed_reports():
    names = {name for name, _ in known.reports()}
    assert {"aimock", "smg", "reference"} <= names
    found = list(known.seen(known.reports(), check="continuation.users_words_one_hop"))
    assert [(one.name, one.verdict) for one in found] == [("aimock", Verdict.FAIL)]
    clean = Report(suite="0", spec="1.0", target=Target(url="u"), started_at="2026", duration_ms=0, requests=0,
                   profiles=(), results=())  # fmt: skip
    assert list(known.seen([("x", clean)])) == []
