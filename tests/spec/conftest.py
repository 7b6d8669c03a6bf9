"""What the tests of the text share: the chapters, and the generator of the index, loaded from its file."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def generator() -> ModuleType:
    """tools/gen_requirements.py; `tools` is no package, so it is loaded by its path."""
    spec = importlib.util.spec_from_file_location("gen_requirements", ROOT / "tools" / "gen_requirements.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def texts(root: Path) -> dict[Path, str]:
    """Every Markdown file of the specification, decisions included."""
    found = {path: path.read_text(encoding="utf-8") for path in sorted((root / "spec").rglob("*.md"))}
    assert found
    return found


@pytest.fixture(scope="session")
def chapters(texts: dict[Path, str]) -> dict[str, str]:
    """The normative chapters by their file names."""
    return {path.name: text for path, text in texts.items() if path.parent.name == "1.0"}
