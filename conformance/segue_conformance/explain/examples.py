"""Examples that fit: those of the schemas, and pieces of the recorded sessions.

What fits is found by words: the types, members and codes that a sentence names in code. An example has to be of a type
that is named, or to have at least half of the words; otherwise none is better than one that is beside the point.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import segue_schemas

__all__ = ["Example", "Piece", "invalid", "piece_of_session", "terms_of", "valid"]

_CODE = re.compile(r"`([^`]+)`")
_EXCEPTED = re.compile(r", but `[^`]+`")
_NAME = re.compile(r"[a-z_]+(?:\.[a-z_]+)*")
_GENERAL = frozenset(("type", "id", "turn", "message", "error", "code", "true", "false", "null", "none"))


@dataclass(frozen=True, slots=True)
class Example:
    """An example of the schemas: its file, the JSON in it, and of an invalid one why it is refused."""

    file: str
    text: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """Messages of a recorded session that lie together, each with who sent it, and what the session tells."""

    story: str
    file: str
    messages: tuple[tuple[str, str], ...]


def terms_of(sentence: str) -> list[str]:
    """Return the names that a sentence has in code."""
    found = [name for part in _CODE.findall(_EXCEPTED.sub("", sentence)) for name in _NAME.findall(part)]
    return list(dict.fromkeys(found))


def valid(terms: Sequence[str]) -> Example | None:
    """Return the valid example that fits best."""
    return _best(terms, True)


def invalid(terms: Sequence[str]) -> Example | None:
    """Return the invalid example that fits best: one whose fault is about the words."""
    return _best(terms, False)


def _folder() -> Path | None:
    here = Path(segue_schemas.__file__).resolve().parent
    places = (here / segue_schemas.VERSION, here.parent / segue_schemas.VERSION)
    return next((place for place in places if (place / "examples" / "index.json").is_file()), None)


@cache
def _examples() -> tuple[tuple[Example, bool, frozenset[str], frozenset[str]], ...]:
    """Return every example with whether it is valid, the words in it, and those that its fault is about."""
    place = _folder()
    if place is None:
        return ()
    found = []
    for row in json.loads((place / "examples" / "index.json").read_bytes())["examples"]:
        path = place / "examples" / row["file"]
        try:
            value = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if not isinstance(value, dict):
            continue
        text = json.dumps(value, ensure_ascii=False)
        about = frozenset(re.findall(r"[a-z]+(?:_[a-z]+)*", f"{path.stem.partition('.')[2]} {row.get('why', '')}"))
        found.append((Example(row["file"], text, row.get("why", "")), row["valid"], frozenset(_words(value)), about))
    return tuple(found)


def _words(value: Any) -> list[str]:
    match value:
        case dict():
            return [word for name, member in value.items() for word in (name, *_words(member))]
        case list():
            return [word for member in value for word in _words(member)]
        case str() if len(value) < 40:
            return [value]
        case bool():
            return [str(value).lower()]
    return []


def _best(terms: Sequence[str], is_valid: bool) -> Example | None:
    telling = [term for term in terms if term not in _GENERAL]
    types = [term for term in telling if "." in term]
    # One common word alone is in examples of everything.
    if not types and len(telling) < 2 and not any("_" in term for term in telling):
        return None
    best: tuple[float, int, Example] | None = None
    for example, fits, words, about in _examples():
        if "Extension" in example.file and "segue" not in terms:
            continue
        if fits is not is_valid or (types and not any(f'"type": "{kind}"' in example.text for kind in types)):
            continue
        names = [term.rpartition(".")[2] if "." in term and term not in types else term for term in telling]
        score = sum(name in words for name in names) / len(names)
        about_it = any(name in about or any(name in part for part in about) for name in names if "." not in name)
        if score < 0.5 or (not is_valid and not about_it):
            continue
        rank = (score + about_it, -len(example.text), example)
        if best is None or rank[:2] > best[:2]:
            best = rank
    return best[2] if best else None


def piece_of_session(terms: Sequence[str]) -> Piece | None:
    """Return where a recorded session has an error code or a type of message: that message and what led to it."""
    place = _folder()
    wanted = [term for term in terms if "." in term or "_" in term]
    if place is None or not wanted:
        return None
    best: tuple[int, int, Piece] | None = None
    for path in sorted((place / "sessions").glob("*.ndjson")):
        head, *rows = [json.loads(row) for row in path.read_text(encoding="utf-8").splitlines()]
        for at, row in enumerate(rows):
            message = row.get("message")
            if not isinstance(message, dict):
                continue
            words = set(_words(message))
            score = sum(term in words for term in wanted)
            if not score or (best is not None and (score, -at) <= best[:2]):
                continue
            asked = next((n for n in range(at - 1, -1, -1) if rows[n].get("from") == "client"), None)
            places = [n for n in (asked, at) if n is not None]
            messages = tuple((rows[n]["from"], json.dumps(rows[n]["message"], ensure_ascii=False)) for n in places)
            best = (score, -at, Piece(head.get("story", ""), path.name, messages))
    return best[2] if best else None
