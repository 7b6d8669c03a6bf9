"""What a weak model remembers of a history: the words that it was told, by whom, and what it said itself.

Everything is read from the items that the engine was given and from nothing else, so an endpoint that loses a part of
the history loses the words in it, and the answers show that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .sealing import opened

__all__ = ["Recall", "asks_to_choose", "recall", "text_of"]

_WORD = r"[^\W_][\w-]*"
_QUOTE = "[\"'`\u201c\u2018]?"
_NOUN = r"(?:code\s?-?words?|secret\s+words?|pass\s?-?words?|passphrase|words?|code|secret)"

# "Remember this word: X", "Remember these words: X, Y and Z", "Remember the word X"
_LISTED = re.compile(r"\b(?:remember|memori[sz]e|keep in mind)\b[^:?!\n]{0,80}:\s*(?P<list>[^.!?\n]+)", re.I)
_NAMED = re.compile(
    rf"\b(?:remember|memori[sz]e)\s+(?:that\s+)?(?:the|this|my|these)?\s*(?:\w+\s+)?words?\s+{_QUOTE}(?P<word>{_WORD})",
    re.I,
)
# "The code word is X", "my secret word was X", "word: X"
_STATED = re.compile(rf"\b{_NOUN}\b(?:\s+\w+){{0,3}}?\s*(?:is|was|:|=)\s*:?\s*{_QUOTE}(?P<word>{_WORD})", re.I)

_CHOOSE = re.compile(r"\b(?:choose|pick|invent|think of|make up)\b.{0,40}\bword\b|\ba random word\b", re.I | re.S)
_CHOSEN = re.compile(r"\b(?:did you|have you|you chose|you picked|you invented)\b", re.I)

_NO_WORDS = frozenset({"the", "a", "an", "this", "that", "it", "what", "which", "not", "in", "only", "and", "or", "to"})


@dataclass(slots=True)
class Recall:
    """Words by who told them, in the order in which they came; `question` is the last user message."""

    user: list[str] = field(default_factory=list)
    instructions: list[str] = field(default_factory=list)
    tool: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    every: list[str] = field(default_factory=list)
    question: str = ""
    outputs: list[str] = field(default_factory=list)
    """Texts of the tool outputs behind the last user or assistant message: what is to be answered now."""


def recall(items: Sequence[bytes], context: Mapping[str, Any]) -> Recall:
    """Return what the items and the instructions say."""
    found = Recall()
    instructions = context.get("instructions")
    if isinstance(instructions, str):
        _tell(found, found.instructions, _told(instructions))
    choosing = False
    for raw in items:
        item = json.loads(raw)
        kind, role = item.get("type"), item.get("role")
        text = text_of(item)
        if kind == "message" and role == "user":
            # A question is not a statement: "Which word is it?" tells no word.
            _tell(found, found.user, _told(text))
            found.question, found.outputs = text, []
            choosing = asks_to_choose(text)
        elif kind == "message" and role == "assistant":
            words = _told(text) or (re.findall(_WORD, text)[-1:] if choosing else [])
            _tell(found, found.own, words)
            found.outputs, choosing = [], False
        elif kind == "message":
            _tell(found, found.instructions, _told(text))
        elif kind in ("function_call_output", "custom_tool_call_output"):
            _tell(found, found.tool, _json_words(text) or _told(text) or _lone_word(text))
            found.outputs.append(text)
        elif kind == "compaction":
            _take(found, recall(opened(item), {}))
        elif kind not in ("function_call", "custom_tool_call", "reasoning"):
            _tell(found, found.user, _told(text))
    return found


def _take(found: Recall, earlier: Recall) -> None:
    """Take over what a compacted part of the history says."""
    for name in ("user", "instructions", "tool", "own", "every"):
        getattr(found, name).extend(getattr(earlier, name))


def asks_to_choose(text: str) -> bool:
    """Return whether a message asks for a word of the model's own, not for one that it chose before."""
    return _CHOOSE.search(text) is not None and _CHOSEN.search(text) is None


def text_of(value: Any) -> str:
    """Return the text that an item shows: its content, its output, or every string in an item of unknown type."""
    if isinstance(value, dict):
        for member in ("content", "output"):
            if member in value and value.get("type") in ("message", "function_call_output", "custom_tool_call_output"):
                return text_of(value[member])
        return "\n".join(filter(None, (text_of(v) for k, v in value.items() if k not in ("type", "id", "status"))))
    if isinstance(value, list):
        return "\n".join(filter(None, map(text_of, value)))
    return value if isinstance(value, str) else ""


def _tell(found: Recall, where: list[str], words: list[str]) -> None:
    where.extend(words)
    found.every.extend(words)


def _told(text: str) -> list[str]:
    words: list[tuple[int, str]] = []
    taken: list[tuple[int, int]] = []
    for match in _LISTED.finditer(text):
        start = match.start("list")
        for part in re.finditer(rf"{_WORD}", match["list"]):
            words.append((start + part.start(), part.group()))
        taken.append(match.span())
    for pattern in (_NAMED, _STATED):
        for match in pattern.finditer(text):
            if not any(a <= match.start("word") < b for a, b in taken) and not _asks(text, match.end()):
                words.append((match.start("word"), match["word"]))
    seen: set[str] = set()
    told = []
    for _, word in sorted(words):
        if word.lower() not in _NO_WORDS and word not in seen:
            seen.add(word)
            told.append(word)
    return told


def _asks(text: str, end: int) -> bool:
    stop = re.search(r"[.!?\n]", text[end:])
    return stop is not None and stop.group() == "?"


def _json_words(text: str) -> list[str]:
    try:
        value = json.loads(text)
    except ValueError:
        return []
    return list(_named_words(value)) if isinstance(value, (dict, list)) else []


def _named_words(value: Any) -> Iterator[str]:
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, (dict, list)):
            yield from _named_words(inner)
        elif isinstance(inner, str) and isinstance(name, str) and re.search("word|code|secret|result", name, re.I):
            yield inner


def _lone_word(text: str) -> list[str]:
    match = re.fullmatch(rf"\s*{_QUOTE}({_WORD})[\"'`\u201d\u2019]?\.?\s*", text)
    return [match[1]] if match else []
