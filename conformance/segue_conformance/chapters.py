"""The specification's own text around a requirement: its chapter and section, its neighbours, and why it is there.

In a source tree it is `spec/1.0` and `spec/decisions`; in a wheel both lie in `spec` beside this module. Read as it
stands: nothing here is written about a requirement but what the chapters and the decisions say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .requirements import Requirement

__all__ = ["Decision", "Reason", "Section", "decisions_of", "folder", "plain", "reason_of", "section_of"]

_HERE = Path(__file__).resolve().parent
_PLACES = (_HERE / "spec", _HERE.parent.parent / "spec")
VERSION = "1.0"

_RULE = re.compile(r"- \*\*(SEG-[A-Z]+-\d{3})\*\*")
_HEADING = re.compile(r"(#{1,6}) (.+)")
_WHY = re.compile(r"(?:(?<=[.:;] )|^)Why\b[^:.]{0,60}: ")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]+\)")
_EMPHASIS = re.compile(r"(?<![\w*])\*{1,2}([^*\s][^*]*)\*{1,2}(?![\w*])")
_DECISION = re.compile(r"decisions/(\d{4})-[a-z0-9-]+\.md")


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a chapter: where it stands, and its blocks in order, a requirement's id or a paragraph."""

    chapter: str
    chapter_title: str
    anchor: str
    title: str
    blocks: tuple[str, ...]

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of its requirements, in order."""
        return tuple(block for block in self.blocks if is_id(block))


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a requirement is there: `why` in the chapter's own words, `beside` what stands next to it."""

    why: tuple[str, ...]
    beside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """A record of a decision: its number, its title, and what was decided."""

    number: str
    title: str
    decided: str


def is_id(block: str) -> bool:
    """Whether a block is a requirement's id."""
    return block.startswith("SEG-") and " " not in block


def folder() -> Path | None:
    """Return where the specification's text lies, or None where it is not installed."""
    return next((place for place in _PLACES if (place / VERSION / "continuation.md").is_file()), None)


def plain(text: str) -> str:
    """Return Markdown as text on one line: no links, no emphasis; code keeps its marks."""
    return " ".join(_EMPHASIS.sub(r"\1", _LINK.sub(r"\1", text)).split())


def section_of(requirement: Requirement) -> Section | None:
    """Return the section that a requirement stands in; None where the text is not there."""
    sections = _sections(requirement.chapter)
    return next((section for section in sections if requirement.id in section.rules), None)


def reason_of(requirement: Requirement) -> Reason:
    """Return why a requirement is there: from behind its own list first, then from the rest of its section."""
    section = section_of(requirement)
    if section is None:
        return Reason((), ())
    own = _behind(section, requirement.id)
    why, beside = _parted(own)
    if not why:
        why, _ = _parted([block for block in section.blocks if not is_id(block)])
    return Reason(tuple(why), tuple(beside))


def decisions_of(requirement: Requirement) -> tuple[Decision, ...]:
    """Return the decisions that a requirement's section leads to, or that name it."""
    section = section_of(requirement)
    if section is None:
        return ()
    linked = {number for block in section.blocks for number in _DECISION.findall(block)}
    records = _records().items()
    return tuple(_decision(number, text) for number, text in records if number in linked or requirement.id in text)


@cache
def _records() -> dict[str, str]:
    """Return the texts of the decisions by their numbers."""
    place = folder()
    paths = sorted((place / "decisions").glob("0*.md")) if place is not None else []
    return {path.name[:4]: path.read_text(encoding="utf-8") for path in paths}


def _decision(number: str, text: str) -> Decision:
    title = text.partition("\n")[0].lstrip("# ").partition(": ")[2]
    decided = next((block for block in text.split("\n\n") if block.startswith("**Decided.**")), "")
    return Decision(number, title, plain(decided.removeprefix("**Decided.**")))


def _behind(section: Section, id: str) -> list[str]:
    """Return the paragraphs that follow the list in which a requirement stands, up to the next list."""
    at = section.blocks.index(id)
    found: list[str] = []
    for block in section.blocks[at:]:
        if not is_id(block):
            found.append(block)
        elif found:
            break
    return found


def _parted(paragraphs: list[str]) -> tuple[list[str], list[str]]:
    """Return what says why, and the rest."""
    why: list[str] = []
    rest: list[str] = []
    for paragraph in paragraphs:
        if paragraph.startswith(("|", "!", "```", "-", "<")):
            continue
        text = plain(paragraph)
        match = _WHY.search(text)
        if match is None:
            rest.append(text)
            continue
        if before := text[: match.start()].strip():
            rest.append(before)
        why.append(text[match.start() :])
    return why, rest


@cache
def _sections(chapter: str) -> tuple[Section, ...]:
    place = folder()
    path = place / VERSION / chapter if place is not None and chapter else None
    if path is None or not path.is_file():
        return ()
    return tuple(_parse(chapter, path.read_text(encoding="utf-8")))


def _parse(chapter: str, text: str) -> Iterator[Section]:
    title = heading = ""
    blocks: list[str] = []
    for block in _blocks(text):
        match = _HEADING.fullmatch(block)
        if match is None:
            blocks.append(block)
            continue
        if blocks:
            yield Section(chapter, title, _slug(heading), heading or title, tuple(blocks))
        blocks = []
        if len(match[1]) == 1:
            title = match[2]
        else:
            heading = match[2]
    yield Section(chapter, title, _slug(heading), heading or title, tuple(blocks))


def _blocks(text: str) -> Iterator[str]:
    """Give headings, ids of requirements, and paragraphs; each is one text."""
    waiting: list[str] = []
    fenced = False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        rule = None if fenced else _RULE.match(line)
        if not fenced and (not line.strip() or rule or _HEADING.fullmatch(line)):
            if waiting:
                yield "\n".join(waiting)
            waiting = []
            if rule:
                yield rule[1]
            elif line.strip():
                yield line.strip()
        else:
            waiting.append(line)
    if waiting:
        yield "\n".join(waiting)


def _slug(title: str) -> str:
    return re.sub(r"[ ]+", "-", re.sub(r"[^\w\- ]", "", title.strip().lower()))
