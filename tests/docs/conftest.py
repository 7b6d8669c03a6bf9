"""What the tests of the documentation share: the pages that people wrote, read once, and their code blocks."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The specification has tests of its own; here its chapters are only what links lead to.
_FRONT = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<code>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of code and where it stands."""

    page: str
    language: str
    code: str


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def pages() -> dict[str, str]:
    """Every Markdown page outside of the specification, by its path below the repository."""
    paths = [ROOT / name for name in _FRONT]
    paths += [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "reference").glob("*.md")]
    return {str(p.relative_to(ROOT)): p.read_text(encoding="utf-8") for p in sorted(paths) if not p.is_symlink()}


@pytest.fixture(scope="session")
def blocks(pages: dict[str, str]) -> list[Block]:
    """Every fenced block of code, its indentation taken off."""
    found = []
    for page, text in pages.items():
        for match in _FENCE.finditer(text):
            code = re.sub(rf"^{match['indent']}", "", match["code"], flags=re.MULTILINE)
            found.append(Block(page, match["language"], code))
    assert found
    return found


@pytest.fixture(scope="session")
def rows(pages: dict[str, str]):
    """Return the first cells of the rows of a table, by page and by the table's first heading."""

    def first_cells(page: str, heading: str) -> list[list[str]]:
        match = re.search(rf"^\| {re.escape(heading)} \|.*\n\|[-:| ]+\|\n((?:\|.*\n?)+)", pages[page], re.MULTILINE)
        assert match is not None, f"{page} has no table that begins with {heading!r}"
        return [[cell.strip() for cell in row.strip("|").split("|")] for row in match[1].strip().splitlines()]

    return first_cells


@pytest.fixture(scope="module")
def generator(request: pytest.FixtureRequest, root: Path) -> ModuleType:
    """Return the tool of a module of tests, which names it as TOOL, as a module of its own."""
    path = root / request.module.TOOL
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
