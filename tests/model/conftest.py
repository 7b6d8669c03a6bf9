"""What the tests of the model share: the explorations, made once, and the generator, loaded from its file."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "spec" / "model"))

from segue_model import ALL, RULES, SCENARIOS, Result, explore  # noqa: E402


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def whole() -> dict[str, Result]:
    """Every scenario with all rules, explored to its end."""
    return {name: explore(scenario, ALL) for name, scenario in SCENARIOS.items()}


@pytest.fixture(scope="session")
def without() -> dict[str, Result]:
    """For each rule its scenario without it."""
    return {name: explore(SCENARIOS[rule.scenario], ALL - {name}) for name, rule in RULES.items()}


@pytest.fixture(scope="session")
def generator() -> ModuleType:
    """tools/gen_sessions.py; `tools` is no package, so it is loaded by its path."""
    spec = importlib.util.spec_from_file_location("gen_sessions", ROOT / "tools" / "gen_sessions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def sessions() -> dict[str, list[dict[str, Any]]]:
    """The committed sessions, line by line."""
    files = sorted((ROOT / "schemas" / "1.0" / "sessions").glob("*.ndjson"))
    return {path.stem: [json.loads(line) for line in path.read_text("utf-8").splitlines()] for path in files}
