"""The text around the requirements: no keyword in capitals outside of them, no dead link, no unknown id."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

CAPITALS = re.compile(r"\b(MUST|SHALL|SHOULD|MAY|REQUIRED|RECOMMENDED|OPTIONAL)\b")
LINK = re.compile(r"\]\(([^)\s]+)\)")
CITED = re.compile(r"\bSEG-[A-Z]+-\d{3}\b")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def outside_of_requirements(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("- **SEG-")]


def test_keywords_stand_only_in_requirements(texts: dict[Path, str]) -> None:
    found = [
        f"{path.name}: {line}" for path, text in texts.items() for line in outside_of_requirements(text)
        if CAPITALS.search(line)
    ]  # fmt: skip
    assert found == []


def test_the_search_for_keywords_finds_one() -> None:
    assert CAPITALS.search("An endpoint MUST NOT do this.")
    assert not CAPITALS.search("It may come, and must not be dropped.")


def test_no_relative_link_is_dead(texts: dict[Path, str], generator: ModuleType) -> None:
    dead = []
    for path, text in texts.items():
        for target in LINK.findall(text):
            if "://" in target:
                continue
            name, _, anchor = target.partition("#")
            file = (path.parent / name).resolve() if name else path
            if not file.exists():
                dead.append(f"{path.name}: {target}")
            elif anchor and anchor not in {generator.slug(h) for h in HEADING.findall(file.read_text("utf-8"))}:
                dead.append(f"{path.name}: {target} (no such heading)")
    assert dead == []


def test_every_cited_id_exists(texts: dict[Path, str], generator: ModuleType) -> None:
    known = {r.id for r in generator.parse_chapters()}
    cited = {(path.name, found) for path, text in texts.items() for found in CITED.findall(text)}
    assert cited
    assert sorted(pair for pair in cited if pair[1] not in known) == []


def test_chapters_are_of_a_size_to_read(chapters: dict[str, str]) -> None:
    assert {name: text.count("\n") for name, text in chapters.items() if text.count("\n") > 250} == {}


def test_every_chapter_and_decision_is_linked(texts: dict[Path, str]) -> None:
    linked = {
        (path.parent / target.partition("#")[0]).resolve()
        for path, text in texts.items()
        for target in LINK.findall(text)
        if "://" not in target
    }
    entrances = {"overview.md"}
    assert [path.name for path in texts if path.resolve() not in linked and path.name not in entrances] == []


@pytest.mark.parametrize("part", ["**Decided.**", "**Alternatives.**", "**Cost.**"])
def test_decisions_have_their_parts(texts: dict[Path, str], part: str) -> None:
    records = {path.name: text for path, text in texts.items() if re.match(r"\d{4}-", path.name)}
    assert len(records) >= 7
    # A record of small choices is a table whose columns are the parts.
    assert [name for name, text in records.items() if part not in text and "| instead of |" not in text] == []


def test_every_line_of_a_table_has_as_many_cells_as_its_head(texts: dict[Path, str]) -> None:
    broken = []
    for path, text in texts.items():
        width = 0
        for line in text.splitlines():
            if not line.startswith("|"):
                width = 0
                continue
            cells = re.sub(r"`[^`]*`", "", line).count("|")
            width = width or cells
            if cells != width:
                broken.append(f"{path.name}: {line[:80]}")
    assert broken == []
