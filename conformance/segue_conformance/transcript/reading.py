"""Reads a transcript: the head, and of each attempt the connections and exchanges with what passed on them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .lines import FORMAT

__all__ = ["NotATranscript", "Recorded", "Recording", "read_transcript"]


class NotATranscript(Exception):
    """A file is no transcript of this suite, or of a format that this version does not read."""


@dataclass(slots=True)
class Recorded:
    """One connection or exchange: how it was opened, and the lines that followed, in order."""

    opening: dict[str, Any]
    lines: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Recording:
    """A transcript. `attempts` are by key, `numbers` the last attempt at each check on each wire."""

    head: dict[str, Any]
    attempts: dict[str, list[Recorded]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    verdicts: dict[tuple[str, str], str] = field(default_factory=dict)
    whole: bool = True


def read_transcript(path: Path) -> Recording:
    """Return what a file holds; raises NotATranscript."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotATranscript(f"can't read {path}: {getattr(error, 'strerror', None) or error}") from None
    rows = text.splitlines()
    found: Recording | None = None
    open_ones: dict[int, Recorded] = {}
    for place, row in enumerate(rows, 1):
        try:
            line = json.loads(row)
            if found is None:
                found = _head(line, path)
            else:
                _take(found, open_ones, line)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if place == len(rows) and found is not None:
                found.whole = False  # a run that was killed while it wrote
                break
            if found is None:
                raise NotATranscript(f"{path} is no transcript: its first line is no JSON") from None
            raise NotATranscript(f"{path}, line {place} can't be understood: {error!r}") from None
    if found is None:
        raise NotATranscript(f"{path} is empty")
    return found


def _head(line: Any, path: Path) -> Recording:
    if not isinstance(line, dict) or line.get("type") != "head":
        raise NotATranscript(f"{path} is no transcript: its first line is no head")
    if line.get("format") != FORMAT:
        raise NotATranscript(f"{path}: its format is {line.get('format')!r}, expected {FORMAT!r}")
    for member in ("seed", "suite", "target", "urls", "settings"):
        if member not in line:
            raise NotATranscript(f"{path}: its head has no {member}")
    return Recording(line)


def _take(found: Recording, open_ones: dict[int, Recorded], line: dict[str, Any]) -> None:
    match line["type"]:
        case "begin":
            name, _, number = str(line["key"]).rpartition("#")
            found.attempts[line["key"]] = []
            found.numbers[name] = int(number)
        case "open":
            open_ones[line["c"]] = Recorded(line)
            found.attempts.setdefault(line["key"], []).append(open_ones[line["c"]])
        case "verdict":
            found.verdicts[line["check"], line["wire"]] = line["verdict"]
        case "end":
            pass
        case _:
            open_ones[line["c"]].lines.append(line)
