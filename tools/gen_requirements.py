"""Writes spec/1.0/requirements.json from the chapters; with --check, says whether it would change.

A requirement is one list item of a chapter:

    - **SEG-CONT-010** *(continuation)* — An endpoint MUST refuse … {untested: pending: a check}

The mark at the end is left out where a check proves the requirement; it goes into the index, not into the
text. `--pending FILE` adds such marks: each line of FILE is an id, a space and a reason (absent: `a check`).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "AREAS",
    "KEYWORD",
    "PROFILES",
    "UNTESTED_KINDS",
    "Requirement",
    "SpecError",
    "index",
    "mark_pending",
    "parse_chapter",
    "parse_chapters",
    "slug",
]

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "spec" / "1.0"
INDEX = CHAPTERS / "requirements.json"

AREAS = (
    "PROF", "MSG", "TURN", "ITEM", "CTX", "CONT", "ISO", "LIVE", "DIG", "ERR", "CAP", "SEC", "WS", "HTTP", "OWS",
    "OHTTP",
)  # fmt: skip
PROFILES = ("core", "continuation", "isolated", "live", "resumable", "concurrent", "portable", "binding")
UNTESTED_KINDS = ("not observable from outside: ", "pending: ")

# "MUST NOT" before "MUST": the longer keyword is the one that is meant.
KEYWORD = re.compile(r"\b(MUST NOT|MUST|SHOULD NOT|SHOULD|MAY)\b")
_ITEM = re.compile(r"^- \*\*(?P<id>SEG-(?P<area>[A-Z]+)-\d{3})\*\* \*\((?P<profile>[a-z]+)\)\* — (?P<text>.+)$")
_UNTESTED = re.compile(r"\s\{untested: (?P<reason>.+)\}$")
_HEADING = re.compile(r"^#{1,6} (?P<title>.+)$")


class SpecError(Exception):
    """A chapter breaks the form of requirements; the text says where and what was expected."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One normative sentence; `untested` says why no check proves it, None where one does."""

    id: str
    keyword: str
    text: str
    profile: str
    chapter: str
    anchor: str
    untested: str | None

    def as_json(self) -> dict[str, str]:
        """Return the requirement as the index shows it; `untested` only where it is set."""
        entry = {name: getattr(self, name) for name in ("id", "keyword", "text", "profile", "chapter", "anchor")}
        return entry if self.untested is None else {**entry, "untested": self.untested}


def slug(title: str) -> str:
    """Return the anchor of a heading as GitHub and MkDocs both build it."""
    kept = re.sub(r"[^\w\- ]", "", title.strip().lower())
    return re.sub(r"[ ]+", "-", kept)


def parse_chapter(name: str, text: str) -> list[Requirement]:
    """Return the requirements of one chapter in their order; SpecError where a line has not the form."""
    found: list[Requirement] = []
    anchor = ""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        if fenced:
            continue
        if heading := _HEADING.match(line):
            anchor = slug(heading["title"])
        elif line.startswith("- **SEG-"):
            found.append(_parse_item(f"{name}:{number}", name, anchor, line))
    return found


def _parse_item(where: str, chapter: str, anchor: str, line: str) -> Requirement:
    item = _ITEM.match(line.rstrip())
    if item is None:
        raise SpecError(f"{where}: expected `- **SEG-AREA-NNN** *(profile)* — sentence`, got {line[:60]!r}")
    if item["area"] not in AREAS:
        raise SpecError(f"{where}: {item['id']} has the unknown area {item['area']}; known: {', '.join(AREAS)}")
    if item["profile"] not in PROFILES:
        raise SpecError(f"{where}: {item['id']} has the unknown profile {item['profile']}; known: {PROFILES}")
    text, untested = item["text"], None
    if mark := _UNTESTED.search(text):
        untested = mark["reason"]
        text = text[: mark.start()]
        if not untested.startswith(UNTESTED_KINDS):
            raise SpecError(f"{where}: {item['id']} is untested for {untested!r}; expected one of {UNTESTED_KINDS}")
    keywords = KEYWORD.findall(text)
    if len(keywords) != 1:
        raise SpecError(f"{where}: {item['id']} has the keywords {keywords}; expected exactly one")
    return Requirement(item["id"], keywords[0], text, item["profile"], chapter, anchor, untested)


def parse_chapters(folder: Path = CHAPTERS) -> list[Requirement]:
    """Return the requirements of all chapters, by area and number; SpecError on an id that stands twice."""
    found: dict[str, Requirement] = {}
    for path in sorted(folder.glob("*.md")):
        for requirement in parse_chapter(path.name, path.read_text(encoding="utf-8")):
            if requirement.id in found:
                raise SpecError(f"{path.name}: {requirement.id} stands in {found[requirement.id].chapter} already")
            found[requirement.id] = requirement
    return sorted(found.values(), key=lambda r: (AREAS.index(r.id.split("-")[1]), r.id))


def index(requirements: list[Requirement]) -> str:
    """Return the text of requirements.json."""
    document = {"spec": "1.0", "status": "draft", "requirements": [r.as_json() for r in requirements]}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def mark_pending(text: str, reasons: dict[str, str]) -> str:
    """Return a chapter whose requirements named in `reasons` are marked pending; older marks stay."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        item = _ITEM.match(line)
        if item and item["id"] in reasons and not _UNTESTED.search(line):
            lines[at] = f"{line.rstrip()} {{untested: pending: {reasons[item['id']]}}}"
    return "\n".join(lines) + "\n"


def _read_pending(path: Path) -> dict[str, str]:
    pairs = (line.split(maxsplit=1) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return {pair[0]: pair[1].strip() if len(pair) > 1 else "a check" for pair in pairs}


def main(argv: list[str] | None = None) -> int:
    """Write the index, or compare it; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the index is out of date")
    parser.add_argument("--pending", type=Path, metavar="FILE", help="first mark these requirements as pending")
    args = parser.parse_args(argv)
    try:
        if args.pending and not args.check:
            reasons = _read_pending(args.pending)
            if unknown := sorted(reasons.keys() - {r.id for r in parse_chapters()}):
                raise SpecError(f"{args.pending}: no such requirements: {', '.join(unknown)}")
            for path in sorted(CHAPTERS.glob("*.md")):
                old = path.read_text(encoding="utf-8")
                new = mark_pending(old, reasons)
                if new != old:
                    path.write_text(new, encoding="utf-8")
        fresh = index(parse_chapters())
    except SpecError as error:
        print(error, file=sys.stderr)
        return 1
    if not args.check:
        INDEX.write_text(fresh, encoding="utf-8")
        return 0
    if not INDEX.exists() or INDEX.read_text(encoding="utf-8") != fresh:
        print(f"{INDEX.relative_to(ROOT)} is out of date: run tools/gen_requirements.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
