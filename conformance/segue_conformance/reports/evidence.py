"""What of a failure's words shows on the wire: clues found in `expected` and `actual`, and marked wherever they stand.

A check says in words what it saw; the frames are what it saw it in. Quoted words, ids, codes, types of events, statuses
and numbers with a name are the same in both, so one leads to the other. What both sides say marks nothing.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..results import CheckResult

__all__ = ["ACTUAL", "EXPECTED", "NAMED", "Clue", "Span", "clues_of", "difference", "joined", "marked"]

#: Marks: what should have been there, what was there, and what the message names.
EXPECTED, ACTUAL, NAMED = "expected", "actual", "named"

_QUOTED = re.compile(r"'((?:[^'\\]|\\.){2,300})'|\"((?:[^\"\\]|\\.){2,300})\"")
_ID = re.compile(r"\b[a-z]{1,12}_[A-Za-z0-9][A-Za-z0-9_-]{9,}(?=[^A-Za-z0-9]|$)")
_TYPE = re.compile(r"(?<![/\w.-])[a-z_]+(?:\.[a-z_]+)+(?![\w./:])")
_CODE = re.compile(r"(?<![/\w.`])[a-z]+(?:_[a-z0-9]+)+(?![\w./])")
_PAIR = re.compile(r"\b([a-z][a-z_]+) (\d{1,9})\b(?!\.\d)")
_STATE = re.compile(r"\b(status|reason|code|advice|effect|type|param) `?([a-z][a-z_.]+)`?")
_METHOD = re.compile(r"\b(DELETE|GET|POST|PUT)\b")
_STATUS = re.compile(r"\b([1-5]\d\d|[14]\d\d\d)\b")
_NUMBER = re.compile(r"\s*(\d{1,9})\s*")
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_LONGEST, _MOST = 60, 8
_DIFFED, _PIECES = 4000, 40


class Span(NamedTuple):
    """A piece of text and its mark, "" where it has none."""

    text: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Clue:
    """Something that may stand in a frame.

    `number`: it is a number with its name; `state`: a word with its name; `status`: an HTTP status.
    """

    words: str
    mark: str
    weight: int
    pattern: re.Pattern[str]
    number: bool = False
    status: bool = False
    state: bool = False

    def __hash__(self) -> int:
        return hash((self.words, self.mark))

    def found(self, text: str) -> re.Match[str] | None:
        """Return where it stands first; None where it does not. Looks for a plain word first, which costs little."""
        plain = not (self.number or self.status or self.state) and '"' not in self.words and "\\" not in self.words
        return None if plain and self.words not in text else self.pattern.search(text)


def clues_of(result: CheckResult) -> tuple[Clue, ...]:
    """Return what in the words of a result may stand in its frames, the strongest first."""
    sides = {
        EXPECTED: list(_clues(result.expected, EXPECTED)),
        ACTUAL: [*_clues(result.actual, ACTUAL), *_bare_number(result)],
        NAMED: [*_methods(result), *_literals(result.message, NAMED), *_types(result.message, NAMED, 1)],
    }
    both = {clue.words for clue in sides[EXPECTED]} & {clue.words for clue in sides[ACTUAL]}
    found: dict[str, Clue] = {}
    for side in (ACTUAL, EXPECTED, NAMED):
        for clue in sides[side][:_MOST]:
            if clue.words not in both:
                found.setdefault(clue.words, clue)
    return tuple(sorted(found.values(), key=lambda clue: -clue.weight))


def _clues(text: str, mark: str) -> Iterator[Clue]:
    yield from _literals(text, mark)
    for name, number in _PAIR.findall(text):
        yield _number(name, number, mark)
    for name, word in _STATE.findall(text):
        pattern = re.compile(rf'"{name}"\s*:\s*"{re.escape(word)}"')
        yield Clue(f"{name} {word}", mark, 4, pattern, state=True)
    yield from _types(text, mark, 2)
    if not _is_json(text):
        for words in _CODE.findall(text):
            yield _clue(words, mark, 2)
    for words in _STATUS.findall(text[:40]):
        yield Clue(words, mark, 2, re.compile(rf"(?<!\d){words}(?!\d)"), status=True)


def _literals(text: str, mark: str) -> Iterator[Clue]:
    """Give what is quoted, or the texts of what is JSON, and ids."""
    if _is_json(text):
        words = _texts_of(text)
    elif '":' in text or "': " in text:
        words = []
    else:
        # Python's own way to write a text is how checks quote one.
        words = [_unescaped(one or other) for one, other in _QUOTED.findall(text)]
    for word in words[:_MOST]:
        if len(word.strip()) > 1:
            yield _clue(word[:_LONGEST], mark, 4)
    for word in _ID.findall(text):
        yield _clue(word, mark, 3)


def _types(text: str, mark: str, weight: int) -> Iterator[Clue]:
    for words in _TYPE.findall(text):
        yield Clue(words, mark, weight, re.compile(rf"(?<![\w.]){re.escape(words)}(?![\w.])"))


def _methods(result: CheckResult) -> Iterator[Clue]:
    """Give the HTTP methods that the words speak of."""
    for method in dict.fromkeys(_METHOD.findall(f"{result.message} {result.actual}")):
        yield Clue(method, NAMED, 3, re.compile(rf"^{method}(?= )"))


def _bare_number(result: CheckResult) -> Iterator[Clue]:
    """Give the number that stands alone in `actual`, under the names that `expected` and the message speak of."""
    number = _NUMBER.fullmatch(result.actual)
    if number is not None:
        for name in dict.fromkeys(_CODE.findall(f"{result.expected} {result.message}")):
            yield _number(name, number[1], ACTUAL)


def _clue(words: str, mark: str, weight: int) -> Clue:
    spellings = {re.escape(words), re.escape(json.dumps(words, ensure_ascii=False)[1:-1])}
    before = r"(?<!\w)" if words[0].isalnum() else ""
    behind = r"(?!\w)" if words[-1].isalnum() and len(words) < _LONGEST else ""
    either = "|".join(sorted(spellings, key=len, reverse=True))
    return Clue(words, mark, weight, re.compile(f"{before}(?:{either}){behind}"))


def _number(name: str, number: str, mark: str) -> Clue:
    pattern = re.compile(rf'"{re.escape(name)}"\s*:\s*{number}(?!\d)')
    return Clue(f"{name} {number}", mark, 4, pattern, number=True)


def _is_json(text: str) -> bool:
    return text.lstrip()[:2] in ('{"', "[{", '["', "{}", "[]")


def _texts_of(text: str) -> list[str]:
    """Return the texts of a JSON value that are long enough to mean something; of what is no whole JSON, none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    found: list[str] = []
    waiting: list[Any] = [value]
    while waiting and len(found) < _MOST:
        match waiting.pop(0):
            case str() as word if len(word) > 3:
                found.append(word)
            case dict() as members:
                waiting += members.values()
            case list() as members:
                waiting += members
    return found


def _unescaped(text: str) -> str:
    return re.sub(r"\\(['\"\\])", r"\1", text).replace("\\n", "\n")


def marked(text: str, clues: Iterable[Clue], *, status: bool = False) -> list[Span]:
    """Return a text in pieces, those marked where a clue stands. `status`: the text begins with an HTTP status."""
    found: list[tuple[int, int, str]] = []
    for clue in clues:
        if clue.status and not status:
            continue
        if clue.found(text) is None:
            continue
        for match in clue.pattern.finditer(text):
            if match.end() > match.start():
                found.append((match.start(), match.end(), clue.mark))
            if clue.status:
                break
    spans: list[Span] = []
    place = 0
    # The longest first where several begin together; what overlaps with the one before is its own.
    for start, end, mark in sorted(found, key=lambda one: (one[0], -one[1])):
        if start < place:
            continue
        if start > place:
            spans.append(Span(text[place:start]))
        spans.append(Span(text[start:end], mark))
        place = end
    if place < len(text):
        spans.append(Span(text[place:]))
    return spans


def difference(expected: str, actual: str) -> tuple[list[Span], list[Span]]:
    """Return both texts in pieces, marked where they differ; unmarked where they have next to nothing in common."""
    if not expected or not actual or len(expected) + len(actual) > _DIFFED or expected == actual:
        return [Span(expected)], [Span(actual)]
    one, other = _WORDS.findall(expected), _WORDS.findall(actual)
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    # By what is shared of words: a few blanks and commas in common are no likeness.
    shared = sum(
        len(one[place])
        for block in matcher.get_matching_blocks()
        for place in range(block.a, block.a + block.size)
        if one[place][0].isalnum()
    )
    if len(matcher.get_opcodes()) > _PIECES:
        return [Span(expected)], [Span(actual)]
    shorter, longer = sorted(sum(len(word) for word in words if word[0].isalnum()) for words in (one, other))
    if not shared or shared * 2 < shorter or shared * 6 < longer:
        return [Span(expected)], [Span(actual)]
    left: list[Span] = []
    right: list[Span] = []
    for tag, begin, end, from_, to in matcher.get_opcodes():
        mark = "" if tag == "equal" else "differs"
        left.append(Span("".join(one[begin:end]), EXPECTED if mark else ""))
        right.append(Span("".join(other[from_:to]), ACTUAL if mark else ""))
    return _merged(left), _merged(right)


def _merged(spans: Sequence[Span]) -> list[Span]:
    """Return spans without empty ones, neighbours of one mark as one, and single blanks between two marks marked."""
    kept = [span for span in spans if span.text]
    merged: list[Span] = []
    for place, span in enumerate(kept):
        mark = span.mark
        if not mark and span.text.isspace() and 0 < place < len(kept) - 1:
            mark = kept[place - 1].mark if kept[place - 1].mark == kept[place + 1].mark else ""
        if merged and merged[-1].mark == mark:
            merged[-1] = Span(merged[-1].text + span.text, mark)
        else:
            merged.append(Span(span.text, mark))
    return merged


def joined(spans: Iterable[Span]) -> str:
    """Return the text of spans without their marks."""
    return "".join(span.text for span in spans)
