"""The JSON report: the result model as it is, by a published schema (`report.schema.json`)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from ..results import Report

__all__ = ["render", "schema"]

_SCHEMA = Path(__file__).resolve().parent.parent / "report.schema.json"


def render(report: Report) -> str:
    """Return the JSON report, indented."""
    return report.to_json().decode()


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) that every JSON report is valid against."""
    document: dict[str, Any] = json.loads(_SCHEMA.read_bytes())
    return document
