"""Where the language-neutral data files lie, for every test of the schemas."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

VERSION_DIR = Path(__file__).resolve().parents[2] / "schemas" / "1.0"


@pytest.fixture(scope="session")
def schema_dir() -> Path:
    """The folder of the schema files."""
    return VERSION_DIR


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give one test for each example or schema file to the tests that ask for it by name."""
    index = json.loads((VERSION_DIR / "examples" / "index.json").read_text(encoding="utf-8"))["examples"]
    valid = [entry for entry in index if entry["valid"]]
    messages = [entry for entry in valid if entry["schema"].startswith(("client.json", "server.json"))]
    for name, entries in (("example", index), ("valid_example", valid), ("message_example", messages)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, entries, ids=[entry["file"] for entry in entries])
    if "schema_file" in metafunc.fixturenames:
        files = sorted(VERSION_DIR.glob("*.json"))
        metafunc.parametrize("schema_file", files, ids=[path.name for path in files])
