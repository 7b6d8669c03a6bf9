"""The pictures: drawn from their sources, whole, shown in the chapters, and about messages that exist."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

STORIES = {"first-turn", "resume", "lost-parent", "resend-in-parts", "fork", "draining", "store-nothing"}


@pytest.fixture(scope="module")
def drawer(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("gen_diagrams", root / "tools" / "gen_diagrams.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def sources(root: Path) -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in (root / "spec" / "1.0" / "diagrams").glob("*.mmd")}


def test_every_story_is_drawn_and_shown(sources: dict[str, str], chapters: dict[str, str]) -> None:
    assert set(sources) >= STORIES
    shown = [name for text in chapters.values() for name in re.findall(r"!\[[^\]]+\]\(diagrams/([\w-]+)\.svg\)", text)]
    assert sorted(shown) == sorted(sources)


def test_the_pictures_are_fresh(drawer: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert drawer.main(["--check"]) == 0, capsys.readouterr().err


def test_a_picture_holds_every_text_inside_its_frame(drawer: ModuleType, sources: dict[str, str]) -> None:
    for name, text in sources.items():
        diagram = drawer.parse(f"{name}.mmd", text)
        svg = ElementTree.fromstring(drawer.draw(diagram))
        width, height = (float(svg.attrib[side]) for side in ("width", "height"))
        labels = [node for node in svg.iter() if node.tag.endswith("}text")]
        for label in labels:
            half = len(label.text or "") * drawer._CHAR / 2
            x, y = float(label.attrib["x"]), float(label.attrib["y"])
            assert x - half >= 0, (name, label.text)
            assert x + half <= width, (name, label.text)
            assert 0 < y < height, (name, label.text)
        drawn = {label.text for label in labels}
        wanted = re.findall(r"(?:->>|-x|over) ?[\w,]+: (.+)$", text, re.MULTILINE)
        assert {row for line in wanted for row in line.split("<br/>")} <= drawn, name


def test_nothing_in_a_picture_is_fetched(root: Path, sources: dict[str, str]) -> None:
    for name in sources:
        svg = (root / "spec" / "1.0" / "diagrams" / f"{name}.svg").read_text("utf-8")
        assert not re.search(r"href|<script|<image|url\(|@import", svg), name


def test_messages_in_the_stories_exist(sources: dict[str, str]) -> None:
    import segue_schemas

    known: set[str] = set()
    for side, union in (("client", "ClientMessage"), ("server", "ServerMessage")):
        known |= set(segue_schemas.load(f"{side}.json")["$defs"][union]["discriminator"]["mapping"])
    used = {kind for text in sources.values() for kind in re.findall(r"\b(?:turn|item|connection)\.[a-z]+", text)}
    assert used
    assert used - known == set()


SMALL = "sequenceDiagram\n%% t\nparticipant A as the agent\nparticipant B\n"


def test_a_sequence_is_read(drawer: ModuleType) -> None:
    text = SMALL + "A->>B: hello\nB-->>A: yes\nA-xB: lost\nNote over A,B: later\n"
    diagram = drawer.parse("x.mmd", text)
    assert diagram.participants == {"A": "the agent", "B": "B"}
    assert [step.kind for step in diagram.steps[:3]] == ["sent", "answered", "lost"]
    assert diagram.steps[3] == drawer.Note(("A", "B"), "later")
    assert drawer.draw(diagram).count("stroke-dasharray") == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sequenceDiagram\nA->>B: x\n", "expected the kind of the diagram, then its title"),
        ("flowchart\n%% t\n", "expected `sequenceDiagram` or `stateDiagram-v2`"),
        (SMALL + "A->>C: x\n", "x.mmd:5: no participant 'C'"),
        (SMALL + "loop forever\n", "x.mmd:5: this is not drawn"),
        ("stateDiagram-v2\n%% t\nA --> B\n", "x.mmd:3: this is not drawn"),
    ],
)
def test_what_is_not_drawn_is_told(drawer: ModuleType, text: str, why: str) -> None:
    with pytest.raises(drawer.DiagramError, match=re.escape(why)):
        drawer.parse("x.mmd", text)


def test_markup_in_a_text_is_only_text(drawer: ModuleType) -> None:
    svg = drawer.draw(drawer.parse("x.mmd", SMALL + "A->>B: <script>&\n"))
    (found,) = [node.text for node in ElementTree.fromstring(svg).iter() if node.text == "<script>&"]
    assert found


def test_a_stale_picture_is_told(drawer: ModuleType, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(drawer, "ROOT", tmp_path)
    monkeypatch.setattr(drawer, "FOLDER", tmp_path)
    (tmp_path / "a.mmd").write_text(SMALL + "A->>B: x\n", "utf-8")
    assert drawer.main(["--check"]) == 1
    assert "a.svg is out of date" in capsys.readouterr().err
    assert drawer.main([]) == 0
    assert drawer.main(["--check"]) == 0
    (tmp_path / "b.mmd").write_text("nothing\n", "utf-8")
    assert drawer.main([]) == 1
