"""What can be explained, found by its id: a requirement, a check, an error code."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache

from .. import requirements
from ..chapters import VERSION, folder, plain
from ..registry import Catalogue, Check
from ..requirements import Requirement

__all__ = ["Code", "codes", "find", "near"]

_ROW = re.compile(r"^\| (`[^|]+) \|(.+)\|$")
_WORD = re.compile(r"`([a-z_]+)`")


@dataclass(frozen=True, slots=True)
class Code:
    """An error code, as the chapter on errors tells it."""

    name: str
    happened: str
    advice: str
    effect: str
    status: str
    close: str
    comes_as: str = ""
    to_do: str = ""


@cache
def codes() -> dict[str, Code]:
    """Return the codes of the specification's table; empty where its text is not installed."""
    place = folder()
    if place is None:
        return {}
    rows = _rows((place / VERSION / "errors.md").read_text(encoding="utf-8"))
    found = {name: Code(name, *cells) for name, cells in rows if len(cells) == 5}
    more = {name: cells for name, cells in rows if len(cells) == 2}
    return {
        name: Code(name, code.happened, code.advice, code.effect, code.status, code.close, *more.get(name, ("", "")))
        for name, code in found.items()
    }


def _rows(text: str) -> list[tuple[str, list[str]]]:
    """Return the rows of tables that begin with words in code, once for each of the words."""
    rows = []
    for row in text.splitlines():
        match = _ROW.match(row)
        if match:
            cells = [plain(cell) for cell in match[2].split("|")]
            rows += [(name, cells) for name in _WORD.findall(match[1])]
    return rows


def find(id: str, catalogue: Catalogue) -> Requirement | Check | Code | None:
    """Return what bears an id, however its letters are written; None where nothing does."""
    index = requirements.load()
    return index.get(id.upper()) or catalogue.get(id.lower()) or codes().get(id.lower())


def near(id: str, catalogue: Catalogue) -> list[str]:
    """Return the ids that look most like one that is none."""
    known = {name.lower(): name for name in (*requirements.load(), *(check.id for check in catalogue), *codes())}
    parts = [name for low, name in known.items() if id.lower() in low or low.endswith(f".{id.lower()}")]
    alike = difflib.get_close_matches(id.lower(), [*known], n=5, cutoff=0.55)
    return list(dict.fromkeys([*parts[:5], *(known[name] for name in alike)]))[:5]
