"""A message made short enough to be read: all of what it says about the failure, and of the rest as much as fits.

Texts are cut around what matters in them, arrays shown by their telling entries, members that say nothing left out. It
still looks like the JSON that went over the wire; `…` stands for what is not shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .evidence import Clue
from .wording import cut, one_line

__all__ = ["essence"]

#: Members that tell what a message is about, in the order in which they are kept when room is short.
_TELLING = (
    "type", "error", "code", "status", "reason", "incomplete_details", "parent", "previous_response_id", "input",
    "output", "text", "content", "append", "delta", "arguments", "call_id", "item", "response", "role", "id", "store",
    "retention", "generate", "lane", "stream_id", "stream", "seq", "sequence_number", "refused", "param", "turn",
    "name", "continuation", "message", "advice", "at", "item_id",
)  # fmt: skip
_FIRST = frozenset(_TELLING[:19])
_TELLS = frozenset(_TELLING)
_WHOLE, _WORD = ("type", "code", "status", "reason"), 60
_MORE = "…"
# Ids and digests: so much of one tells it from another.
_ID = re.compile(r"(?:[a-z]{1,8}_|segue1-sha256:)[A-Za-z0-9_-]{9,}")
_ID_SHOWN = 6


@dataclass(frozen=True, slots=True)
class _Level:
    """How much is left out: texts longer than `text`, all but `entries` of an array, members that tell nothing."""

    text: int
    entries: int
    members: frozenset[str] | None
    messages: bool


_LEVELS = (
    _Level(100_000, 100_000, None, False),
    _Level(160, 12, None, False),
    _Level(120, 4, _TELLS, True),
    _Level(80, 2, _TELLS, True),
    _Level(80, 1, _FIRST, True),
    _Level(56, 1, _FIRST, True),
    _Level(40, 1, _FIRST, True),
    _Level(24, 1, frozenset(_TELLING[:10]), True),
)


def essence(text: str, room: int, clues: Sequence[Clue] = ()) -> str:
    """Return a message in at most `room` characters, on one line."""
    if len(text) <= room and "\n" not in text:
        return one_line(text)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict | list):
        return cut(one_line(text), room)
    told = ""
    for level in _LEVELS:
        try:
            told = one_line(_Writer(level, clues).write(value))
        except RecursionError:
            break
        if len(told) <= room:
            return told
    return _cut_around(told or one_line(text), room, clues)


def _cut_around(text: str, room: int, clues: Sequence[Clue]) -> str:
    """Cut a text so that its beginning and the first thing that a clue means are seen."""
    match = next((m for clue in clues if (m := clue.found(text))), None)
    if match is None or match.end() <= room - 1:
        return text[: max(0, room - 1)] + _MORE
    head = min(room // 3, 40)
    begin = max(head, match.end() - (room - head - 2))
    return f"{text[:head]}{_MORE}{text[begin : begin + room - head - 2]}{_MORE}"


class _Writer:
    """Writes JSON at one level of shortness."""

    def __init__(self, level: _Level, clues: Sequence[Clue]) -> None:
        self._level = level
        self._clues = clues

    def write(self, value: Any) -> str:
        match value:
            case str():
                return json.dumps(self._text(value), ensure_ascii=False)
            case dict():
                return self._object(value)
            case list():
                return self._array(value)
        return json.dumps(value)

    def _bears(self, text: str) -> bool:
        return any(clue.found(text) for clue in self._clues if not clue.status)

    def _text(self, text: str) -> str:
        most = self._level.text
        if self._level.messages and _ID.fullmatch(text) and not self._bears(text):
            return text[: max(text.rfind("_", 0, 10), text.find(":")) + 1 + _ID_SHOWN] + _MORE
        if len(text) <= most:
            return text
        match = next((m for clue in self._clues if not clue.status and (m := clue.found(text))), None)
        if match is None or match.end() <= most - 1:
            return text[: most - 1] + _MORE
        begin = max(0, match.start() - most // 3)
        end = max(match.end(), begin + most - 2)
        return (_MORE if begin else "") + text[begin:end] + (_MORE if end < len(text) else "")

    def _object(self, value: dict[str, Any]) -> str:
        if self._level.messages and (short := self._message(value)) is not None:
            return short
        kept: list[str] = []
        left_out = False
        for name, member in sorted(value.items(), key=lambda pair: pair[0] != "type"):
            whole = name in _WHOLE and isinstance(member, str) and len(member) <= _WORD
            shown = json.dumps(member, ensure_ascii=False) if whole else self.write(member)
            written = f"{json.dumps(name, ensure_ascii=False)}:{shown}"
            tells = self._level.members is None or (name in self._level.members and not _is_format(name, member))
            if (tells and not (self._level.members is not None and member is None)) or self._bears(written):
                kept.append(written)
            else:
                left_out = True
        return "{" + ",".join([*kept, *([_MORE] if left_out else [])]) + "}"

    def _message(self, value: dict[str, Any]) -> str | None:
        """Return who says what, of an item that is a message of text."""
        content = value.get("content")
        if "role" not in value or value.get("type", "message") != "message":
            return None
        if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
            content = content[0].get("text")
        if not isinstance(content, str):
            return None
        return "{" + f"{value['role']}: {self.write(content)}" + "}"

    def _array(self, value: list[Any]) -> str:
        written = [self.write(member) for member in value]
        if len(written) <= self._level.entries:
            return "[" + ",".join(written) + "]"
        bearing = [place for place, text in enumerate(written) if self._bears(text)]
        # Of what nothing is known the last tells most: it is what was asked or said at the end.
        shown = sorted({*bearing[: self._level.entries], len(written) - 1})[-max(1, self._level.entries) :]
        parts: list[str] = []
        last = -1
        for place in shown:
            if place > last + 1:
                parts.append(_MORE)
            parts.append(written[place])
            last = place
        return "[" + ",".join([*parts, *([_MORE] if last < len(written) - 1 else [])]) + "]"


def _is_format(name: str, member: Any) -> bool:
    """Whether a member is OpenAI's `text`, which says how texts are formatted and not what they say."""
    return name == "text" and isinstance(member, dict)
