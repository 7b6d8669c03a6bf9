"""The reference page is a fresh generation, complete, and its links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from segue_schemas import load

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "gen_schema_reference.py"
TOPICS = ("common", "items", "context", "errors", "capabilities", "continuation", "client", "server", "extension")


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs" / "reference" / "schemas.md").read_text(encoding="utf-8")


def test_committed_page_is_a_fresh_generation() -> None:
    done = subprocess.run([sys.executable, str(TOOL), "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_definition_has_a_section(page: str) -> None:
    sections = re.findall(r"^### (\w+)$", page, re.MULTILINE)
    assert sorted(sections) == sorted(name for topic in TOPICS for name in load(f"{topic}.json")["$defs"])


def test_every_member_has_a_row(page: str) -> None:
    for topic in TOPICS:
        for name, body in load(f"{topic}.json")["$defs"].items():
            if "properties" not in body:
                continue
            section = page.split(f"\n### {name}\n")[1].split("\n### ")[0]
            rows = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
            assert rows == list(body["properties"]), name


def test_links_lead_to_sections(page: str) -> None:
    anchors = {heading.lower() for heading in re.findall(r"^#+ (\w+)$", page, re.MULTILINE)}
    links = set(re.findall(r"\]\(#([^)]*)\)", page))
    assert links
    assert links <= anchors


def test_tables_are_whole(page: str) -> None:
    """A bar inside of a pattern would split its cell."""
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(widths) == 1, table


def test_native_demands_are_there(page: str) -> None:
    native = page.split("## What the Segue wires add")[1]
    assert "| `turn.accepted` | `seq` = 0, `context`, `retention` |" in native
    assert "`continuation.digest`" in native
    assert "`completed.continuation.context`" in native
