"""The pages of requirements and of checks are fresh, complete, and lead to each other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from segue_conformance.client_side.scenario import as_checks
from segue_conformance.registry import Catalogue
from segue_conformance.requirements import load

TOOL = "tools/gen_requirements_page.py"


def test_committed_pages_are_a_fresh_generation(root: Path) -> None:
    done = subprocess.run([sys.executable, str(root / TOOL), "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_stale_page_is_told(generator: ModuleType, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(generator, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", [TOOL])
    assert generator.main() == 0
    (tmp_path / "checks.md").write_text("old", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", [TOOL, "--check"])
    assert generator.main() == 1
    assert "docs/reference/checks.md" in capsys.readouterr().out
    assert (tmp_path / "checks.md").read_text(encoding="utf-8") == "old"


def test_every_requirement_and_check_has_a_heading(pages: dict[str, str]) -> None:
    requirements = re.findall(r"^#### (SEG-\S+)$", pages["docs/reference/requirements.md"], re.MULTILINE)
    assert sorted(requirements) == sorted(load())
    checks = re.findall(r"^### (\w+\.\w+)$", pages["docs/reference/checks.md"], re.MULTILINE)
    assert sorted(checks) == sorted(check.id for check in [*Catalogue.load(), *as_checks()])


def test_no_requirement_is_silent(pages: dict[str, str]) -> None:
    sections = re.split(r"^#### ", pages["docs/reference/requirements.md"], flags=re.MULTILINE)[1:]
    for section in sections:
        assert "](checks.md#" in section or "- No check. " in section, section


def test_the_tally_leads_to_chapters(pages: dict[str, str], generator: ModuleType) -> None:
    """A section of the same name further up would take a chapter's anchor."""
    page = pages["docs/reference/requirements.md"]
    first: dict[str, str] = {}
    for marks, title in re.findall(r"^(#{1,3}) (.+)$", page, re.MULTILINE):
        first.setdefault(generator.slug(title), marks)
    links = re.findall(r"^\| \[[^\]]+\]\(#([^)]+)\)", page, re.MULTILINE)
    assert links
    assert {first[link] for link in links} == {"##"}


def test_the_tally_adds_up(rows) -> None:
    table = rows("docs/reference/requirements.md", "chapter")
    numbers = [[int(cell) for cell in row[1:]] for row in table]
    assert [sum(column) for column in zip(*numbers[:-1], strict=True)] == numbers[-1]
    assert numbers[-1][0] == sum(numbers[-1][1:]) == len(load())
