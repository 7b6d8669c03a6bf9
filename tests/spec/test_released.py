"""A released folder never changes: what spec/released.json lists is there, byte for byte, and nothing beside it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

FOLDERS = ("spec", "schemas")


def digests(root: Path, version: str) -> dict[str, str]:
    """Return the SHA-256 of every file of a version's folders, by its path from the repository."""
    files = (path for top in FOLDERS for path in (root / top / version).rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def changes(root: Path, released: dict) -> list[str]:
    """Return what differs from the released digests, a line a file."""
    found = []
    for version, entry in released["versions"].items():
        now, then = digests(root, version), entry["files"]
        found += [f"{path}: gone" for path in sorted(then.keys() - now.keys())]
        found += [f"{path}: not part of the release" for path in sorted(now.keys() - then.keys())]
        found += [f"{path}: changed" for path in sorted(then.keys() & now.keys()) if then[path] != now[path]]
    return found


@pytest.fixture
def release(tmp_path: Path) -> dict:
    """A released version of two files, and its entry."""
    for top in FOLDERS:
        (tmp_path / top / "1.0").mkdir(parents=True)
        (tmp_path / top / "1.0" / "a.txt").write_text(top, encoding="utf-8")
    return {"versions": {"1.0": {"files": digests(tmp_path, "1.0"), "checks": []}}}


def test_no_released_folder_has_changed(root: Path) -> None:
    released = json.loads((root / "spec" / "released.json").read_text(encoding="utf-8"))
    assert set(released) == {"versions"}
    for version, entry in released["versions"].items():
        assert set(entry) == {"files", "checks"}, version
        assert (root / "spec" / version).is_dir()
    assert changes(root, released) == []


def test_a_draft_says_so_until_it_is_released(root: Path) -> None:
    released = json.loads((root / "spec" / "released.json").read_text(encoding="utf-8"))["versions"]
    for index in (root / "spec").glob("*/requirements.json"):
        document = json.loads(index.read_text(encoding="utf-8"))
        assert document["spec"] == index.parent.name
        assert document["status"] == ("released" if index.parent.name in released else "draft")


def test_an_untouched_release_passes(tmp_path: Path, release: dict) -> None:
    assert changes(tmp_path, release) == []


def test_every_change_of_a_release_is_told(tmp_path: Path, release: dict) -> None:
    (tmp_path / "spec/1.0/a.txt").write_text("mended", encoding="utf-8")
    (tmp_path / "spec/1.0/b.txt").write_text("new", encoding="utf-8")
    (tmp_path / "schemas/1.0/a.txt").unlink()
    assert changes(tmp_path, release) == [
        "schemas/1.0/a.txt: gone",
        "spec/1.0/b.txt: not part of the release",
        "spec/1.0/a.txt: changed",
    ]
