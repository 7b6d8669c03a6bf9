"""Writes docs/kill-matrix.md; with --check, says whether it would change.

It is made from what the mutants say of themselves; `segue selftest --full` proves that they say the truth.
"""

from __future__ import annotations

import sys
from pathlib import Path

from segue_conformance.mutants import load
from segue_conformance.registry import Catalogue
from segue_conformance.selftest.page import page

__all__ = ["main"]

PAGE = Path(__file__).resolve().parent.parent / "docs" / "kill-matrix.md"


def main() -> int:
    """Generate, or with --check compare; return the exit code."""
    text = page(load(), Catalogue.load())
    stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text
    if "--check" in sys.argv[1:]:
        if stale:
            print("docs/kill-matrix.md: differs from a fresh generation; run ./dev gen")
        return int(stale)
    if stale:
        PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
