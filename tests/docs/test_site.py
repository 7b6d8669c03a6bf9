"""The site as it is published: it builds strictly, fetches nothing from outside, and holds the raw schemas."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("material", reason="mkdocs-material is not installed here")

_FETCHING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


class Fetches(HTMLParser):
    """Collects what a browser fetches by itself to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "link" and values.get("rel") not in ("stylesheet", "icon", "preload", "preconnect"):
            return
        if url := values.get(_FETCHING.get(tag, "")):
            self.urls.append(url)


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_nothing_is_fetched_from_outside(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        fetches = Fetches()
        fetches.feed(page.read_text(encoding="utf-8"))
        assert fetches.urls
        assert [url for url in fetches.urls if re.match(r"(?:[a-z]+:)?//", url)] == [], page


@pytest.mark.parametrize("folder", ["spec/1.0", "spec/decisions", "schemas/1.0", "schemas/1.0/vectors"])
def test_every_source_has_its_link(root: Path, folder: str) -> None:
    """One link a file; a new chapter or schema file needs its own: ln -s ../../../spec/1.0/x.md docs/spec/1.0/."""
    sources = {path.name for path in (root / folder).iterdir() if path.is_file()}
    linked = {path.name for path in (root / "docs" / folder).iterdir() if path.is_symlink() and path.is_file()}
    assert sources
    assert linked == sources
    assert all((root / "docs" / folder / name).samefile(root / folder / name) for name in linked)


def test_the_changelog_is_the_one_at_the_top(root: Path) -> None:
    assert (root / "docs" / "changelog.md").is_symlink()
    assert (root / "docs" / "changelog.md").samefile(root / "CHANGELOG.md")


def test_every_page_of_the_sources_is_published(root: Path, site: Path) -> None:
    chapters = [path.stem for path in (root / "spec" / "1.0").glob("*.md")]
    assert len(chapters) > 10
    for chapter in chapters:
        assert (site / "spec" / "1.0" / chapter / "index.html").is_file(), chapter
    guide = ("check", "report", "serve", "client", "matrix", "changelog")
    for page in (*guide, "reference/requirements", "reference/checks", "spec/decisions"):
        assert (site / page / "index.html").is_file(), page


def test_the_schemas_are_published_as_they_are(root: Path, site: Path) -> None:
    files = [path for path in (root / "schemas" / "1.0").rglob("*.json")]
    assert len(files) > 100
    for path in files:
        copy = site / "schemas" / "1.0" / path.relative_to(root / "schemas" / "1.0")
        assert copy.read_bytes() == path.read_bytes(), path


def test_every_page_stands_in_the_navigation(root: Path, site: Path) -> None:
    index = (site / "index.html").read_text(encoding="utf-8")
    for path in (root / "spec").rglob("*.md"):
        place = path.relative_to(root).with_suffix("")
        url = f"{place.parent if place.name == 'README' else place}/"
        assert f'href="{url}"' in index, url


def test_the_configuration_is_what_other_builders_read(root: Path) -> None:
    text = re.sub(r"^\s*#.*$", "", (root / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert not re.search(r"^hooks:|gen-files|macros|!!python|mermaid|google|analytics", text, re.MULTILINE)
    assert re.search(r"^\s+font: false$", text, re.MULTILINE)
