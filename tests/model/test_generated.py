"""The sessions and the page of the model are fresh generations, and the generator tells where they are not."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest
from segue_model import RULES, SCENARIOS, Result


@pytest.fixture(scope="module")
def files(generator: ModuleType, whole: dict[str, Result], without: dict[str, Result]) -> dict[Path, str]:
    return generator.pages(whole, without)


def test_committed_files_are_a_fresh_generation(generator: ModuleType, files: dict[Path, str]) -> None:
    assert [path.name for path, text in files.items() if path.read_text(encoding="utf-8") != text] == []
    assert {path for path in generator.SESSIONS.iterdir()} == set(files) - {generator.PAGE}


@pytest.fixture
def elsewhere(
    generator: ModuleType, files: dict[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[Path, str]:
    """The generator writes into an empty folder, and explores nothing."""
    moved = {tmp_path / path.relative_to(generator.ROOT): text for path, text in files.items()}
    monkeypatch.setattr(generator, "ROOT", tmp_path)
    monkeypatch.setattr(generator, "SESSIONS", tmp_path / "schemas" / "1.0" / "sessions")
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(generator, "explore", lambda *_: None)
    monkeypatch.setattr(generator, "pages", lambda *_: moved)
    return moved


def test_check_tells_what_is_stale_and_writes_nothing(
    generator: ModuleType,
    elsewhere: dict[Path, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["gen_sessions.py"])
    assert generator.main() == 0
    stale = generator.SESSIONS / "steer.ndjson"
    stale.write_text("old\n", encoding="utf-8")
    (generator.SESSIONS / "of_before.ndjson").write_text("{}\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["gen_sessions.py", "--check"])
    assert generator.main() == 1
    out = capsys.readouterr().out.splitlines()
    assert out == [
        "schemas/1.0/sessions/steer.ndjson: differs from a fresh generation; run ./dev gen",
        "schemas/1.0/sessions/of_before.ndjson: no session of that name is generated",
    ]
    assert stale.read_text(encoding="utf-8") == "old\n"
    monkeypatch.setattr("sys.argv", ["gen_sessions.py"])
    assert generator.main() == 0
    monkeypatch.setattr("sys.argv", ["gen_sessions.py", "--check"])
    assert generator.main() == 0


def test_the_page_tells_every_rule_with_its_story(root: Path, without: dict[str, Result]) -> None:
    sections = (root / "docs" / "model.md").read_text("utf-8").split("\n### ")[1:]
    assert [section.splitlines()[0].replace(" ", "_") for section in sections] == list(RULES)
    for section, (name, rule) in zip(sections, RULES.items(), strict=True):
        found = without[name].broken
        assert found is not None
        told = re.findall(r"^\d+\. (.+)$", section, re.MULTILINE)
        assert told == list(found.trace)
        assert all(f"[{id}](" in section for id in rule.requirements)
        assert f"*{rule.breaks}*" in section


def test_the_page_has_tables_for_a_phone(root: Path) -> None:
    rows = [line for line in (root / "docs" / "model.md").read_text("utf-8").splitlines() if line.startswith("|")]
    assert len(rows) > len(SCENARIOS) + len(RULES)
    assert {len(re.sub(r"`[^`]*`", "", row).strip("|").split("|")) for row in rows} == {2}
