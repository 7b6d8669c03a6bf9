"""The examples, the vectors and the committed limits, for the proofs of every language.

A *limit* is what a style can't do with an example, by the example's name: `cannot_refuse` lists invalid
examples that its types take, `loses` valid examples that it doesn't write back whole, `needs_cast` valid
examples that its type checker takes only with a cast. Each style's lists are committed under `limits/` and
compared, both ways. SEGUE_WRITE_LIMITS=1 writes them anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from binding_proofs import EXAMPLES, SCHEMAS, Example

LIMITS = Path(__file__).resolve().parent / "limits"


@pytest.fixture(scope="session")
def examples() -> list[Example]:
    """Every example of the index."""
    index = json.loads((EXAMPLES / "index.json").read_text(encoding="utf-8"))
    return [Example(entry) for entry in index["examples"]]


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    """The digest vectors of the schemas."""
    read: dict[str, Any] = json.loads((SCHEMAS / "vectors" / "digest.json").read_text(encoding="utf-8"))
    return read


Limit = Callable[[str, str, Any], None]


@pytest.fixture
def limit() -> Limit:
    """Compare what a style can't do with what is committed: `limit(style, kind, found)`."""

    def compare(style: str, kind: str, found: Any) -> None:
        path = LIMITS / f"{style}.json"
        committed = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if os.environ.get("SEGUE_WRITE_LIMITS") == "1":
            committed[kind] = found
            path.write_text(json.dumps(committed, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        assert found == committed.get(kind), f"limits/{path.name} differs; SEGUE_WRITE_LIMITS=1 writes it anew"

    return compare
