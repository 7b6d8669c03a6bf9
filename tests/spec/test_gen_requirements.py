"""The generator refuses what has not the form, and says where."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

GOOD = "# T\n\n## Parents of it\n\n- **SEG-CONT-010** *(continuation)* — An endpoint MUST NOT guess `{a, b}`.\n"


def test_a_requirement_is_read_with_all_its_members(generator: ModuleType) -> None:
    (found,) = generator.parse_chapter("x.md", GOOD)
    assert found.as_json() == {
        "id": "SEG-CONT-010",
        "keyword": "MUST NOT",
        "text": "An endpoint MUST NOT guess `{a, b}`.",
        "profile": "continuation",
        "chapter": "x.md",
        "anchor": "parents-of-it",
    }


def test_the_reason_goes_into_the_index_and_not_into_the_text(generator: ModuleType) -> None:
    line = "- **SEG-MSG-001** *(core)* — An endpoint SHOULD nod. {untested: pending: a check}\n"
    (found,) = generator.parse_chapter("x.md", line)
    assert found.as_json()["untested"] == "pending: a check"
    assert found.text == "An endpoint SHOULD nod."


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("- **SEG-MSG-1** *(core)* — An endpoint MUST nod.", "expected `- "),
        ("- **SEG-MSG-001** (core) — An endpoint MUST nod.", "expected `- "),
        ("- **SEG-NOPE-001** *(core)* — An endpoint MUST nod.", "unknown area NOPE"),
        ("- **SEG-MSG-001** *(most)* — An endpoint MUST nod.", "unknown profile most"),
        ("- **SEG-MSG-001** *(core)* — An endpoint must nod.", "keywords []"),
        ("- **SEG-MSG-001** *(core)* — An endpoint MUST nod and MAY bow.", "keywords ['MUST', 'MAY']"),
        ("- **SEG-MSG-001** *(core)* — An endpoint MUST nod. {untested: too hard}", "untested for 'too hard'"),
    ],
)
def test_a_line_without_the_form_is_refused_with_its_place(generator: ModuleType, line: str, why: str) -> None:
    with pytest.raises(generator.SpecError) as caught:
        generator.parse_chapter("x.md", f"# T\n\n{line}\n")
    assert str(caught.value).startswith("x.md:3: ")
    assert why in str(caught.value)


def test_an_id_stands_once(generator: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.md").write_text(GOOD, encoding="utf-8")
    with pytest.raises(generator.SpecError, match=r"b\.md: SEG-CONT-010 stands in a\.md already"):
        generator.parse_chapters(tmp_path)


def test_examples_in_fences_are_no_requirements(generator: ModuleType) -> None:
    assert generator.parse_chapter("x.md", f"```\n{GOOD}```\n") == []


def test_marks_are_added_once_and_older_ones_stay(generator: ModuleType) -> None:
    once = generator.mark_pending(GOOD, {"SEG-CONT-010": "a second node"})
    assert once.count("{untested: pending: a second node}") == 1
    assert generator.mark_pending(once, {"SEG-CONT-010": "something else"}) == once
    (found,) = generator.parse_chapter("x.md", once)
    assert found.untested == "pending: a second node"


def test_check_tells_a_stale_index(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.md").write_text(GOOD, encoding="utf-8")
    monkeypatch.setattr(generator, "ROOT", tmp_path)
    monkeypatch.setattr(generator, "CHAPTERS", tmp_path)
    monkeypatch.setattr(generator, "INDEX", tmp_path / "requirements.json")
    monkeypatch.setattr(generator, "CITATIONS", tmp_path / "checks.json")
    monkeypatch.setattr(generator, "_catalogue", lambda: {"forks.one": ["SEG-CONT-010"]})
    monkeypatch.setattr(generator.parse_chapters, "__defaults__", (tmp_path,))
    assert generator.main(["--check"]) == 1
    assert "requirements.json is out of date" in capsys.readouterr().err
    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0
    pending = tmp_path / "pending.txt"
    pending.write_text("SEG-CONT-010 a check of forks\n", encoding="utf-8")
    assert generator.main(["--pending", str(pending)]) == 0
    assert "{untested: pending: a check of forks}" in (tmp_path / "a.md").read_text("utf-8")
    pending.write_text("SEG-CONT-999\n", encoding="utf-8")
    assert generator.main(["--pending", str(pending)]) == 1
    assert "no such requirements: SEG-CONT-999" in capsys.readouterr().err


def test_a_disputed_sentence_says_where(generator: ModuleType) -> None:
    line = "- **SEG-MSG-001** *(core)* — An endpoint MUST nod. {untested: pending: a check} {disputed: https://a.example/1}\n"
    (found,) = generator.parse_chapter("x.md", line)
    assert found.text == "An endpoint MUST nod."
    assert found.as_json()["untested"] == "pending: a check"
    assert found.as_json()["disputed"] == "https://a.example/1"
    (bare,) = generator.parse_chapter("x.md", GOOD)
    assert "disputed" not in bare.as_json()


@pytest.mark.parametrize(
    ("marks", "why"),
    [
        ("{disputed: people argue}", "expected a link"),
        ("{disputed: http://plain.example/1}", "expected a link"),
        ("{disputed: https://a.example/1} {disputed: https://a.example/2}", "marked disputed twice"),
        ("{untested: pending: x} {untested: pending: y}", "marked untested twice"),
    ],
)
def test_a_wrong_mark_is_refused(generator: ModuleType, marks: str, why: str) -> None:
    with pytest.raises(generator.SpecError, match=why):
        generator.parse_chapter("x.md", f"- **SEG-MSG-001** *(core)* — An endpoint MUST nod. {marks}\n")


def test_checks_stand_with_what_they_cite(generator: ModuleType) -> None:
    requirements = generator.parse_chapter("x.md", GOOD)
    cited = {"forks.two": ["SEG-CONT-010"], "forks.one": ["SEG-CONT-010"]}
    draft = json.loads(generator.citations(requirements, cited, {"versions": {}}))
    assert draft["requirements"] == {"SEG-CONT-010": ["forks.one", "forks.two"]}
    assert draft["not_scored"] == []
    with pytest.raises(generator.SpecError, match="SEG-CONT-999"):
        generator.citations(requirements, {"forks.one": ["SEG-CONT-999"]}, {"versions": {}})


def test_a_check_that_came_after_the_release_is_not_scored(generator: ModuleType) -> None:
    requirements = generator.parse_chapter("x.md", GOOD)
    cited = {"forks.two": ["SEG-CONT-010"], "forks.one": ["SEG-CONT-010"]}
    released = {"versions": {generator.VERSION: {"files": {}, "checks": ["forks.one"]}}}
    assert json.loads(generator.citations(requirements, cited, released))["not_scored"] == ["forks.two"]
