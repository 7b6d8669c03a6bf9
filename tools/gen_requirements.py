"""Writes spec/1.0/requirements.json and spec/checks.json; with --check, says whether they would change.

A requirement is one list item of a chapter:

    - **SEG-CONT-010** *(continuation)* — An endpoint MUST refuse … {untested: pending: a check}

Marks at the end go into the index, not into the text. `{untested: reason}` is left out where a check proves the
requirement; `{disputed: link}` leads to where its meaning is argued about. `--pending FILE` adds marks of the first
kind: each line of FILE is an id, a space and a reason (absent: `a check`).

The index also says, from the tables of profiles.md, what each profile needs and which wires can reach it.

spec/checks.json lists for each requirement the checks that cite it. It stands outside of the version's folder, since a
released folder never changes and checks are still written then: those are `not_scored` (spec/1.0/versions.md).
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

__all__ = [
    "AREAS",
    "KEYWORD",
    "PROFILES",
    "UNTESTED_KINDS",
    "Requirement",
    "SpecError",
    "citations",
    "index",
    "mark_pending",
    "parse_chapter",
    "parse_chapters",
    "profiles",
    "slug",
]

VERSION = "1.0"
ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "spec" / VERSION
INDEX = CHAPTERS / "requirements.json"
CITATIONS = ROOT / "spec" / "checks.json"
RELEASED = ROOT / "spec" / "released.json"

AREAS = (
    "PROF", "VER", "MSG", "TURN", "ITEM", "CTX", "CONT", "ISO", "LIVE", "DIG", "ERR", "CAP", "OBS", "SEC", "WS", "HTTP",
    "OWS", "OHTTP", "CHAT", "ANTH", "EXT",
)  # fmt: skip
PROFILES = ("core", "continuation", "isolated", "live", "resumable", "concurrent", "portable", "binding")
UNTESTED_KINDS = ("not observable from outside: ", "framework gap: ", "pending: ")

# "MUST NOT" before "MUST": the longer keyword is the one that is meant.
KEYWORD = re.compile(r"\b(MUST NOT|MUST|SHOULD NOT|SHOULD|MAY)\b")
_ITEM = re.compile(r"^- \*\*(?P<id>SEG-(?P<area>[A-Z]+)-\d{3})\*\* \*\((?P<profile>[a-z]+)\)\* — (?P<text>.+)$")
_MARK = re.compile(r"\s\{(?P<kind>untested|disputed): (?P<value>[^{}]+)\}$")
_LINK = re.compile(r"https://\S+")
_HEADING = re.compile(r"^#{1,6} (?P<title>.+)$")


class SpecError(Exception):
    """A chapter breaks the form of requirements; the text says where and what was expected."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One normative sentence.

    `untested` says why no check proves it, None where one does; `disputed` is a link to where its meaning is argued
    about, None where nobody does: a deviation from it is reported and counts for nothing.
    """

    id: str
    keyword: str
    text: str
    profile: str
    chapter: str
    anchor: str
    untested: str | None
    disputed: str | None = None

    def as_json(self) -> dict[str, str]:
        """Return the requirement as the index shows it; marks only where they are set."""
        entry = {name: getattr(self, name) for name in ("id", "keyword", "text", "profile", "chapter", "anchor")}
        marks = {name: getattr(self, name) for name in ("untested", "disputed")}
        return entry | {name: value for name, value in marks.items() if value is not None}


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
    text, marks = item["text"], dict[str, str]()
    while mark := _MARK.search(text):
        if mark["kind"] in marks:
            raise SpecError(f"{where}: {item['id']} is marked {mark['kind']} twice")
        marks[mark["kind"]] = mark["value"]
        text = text[: mark.start()]
    untested, disputed = marks.get("untested"), marks.get("disputed")
    if untested is not None and not untested.startswith(UNTESTED_KINDS):
        raise SpecError(f"{where}: {item['id']} is untested for {untested!r}; expected one of {UNTESTED_KINDS}")
    if disputed is not None and not _LINK.fullmatch(disputed):
        raise SpecError(f"{where}: {item['id']} is disputed at {disputed!r}; expected a link, https://…")
    keywords = KEYWORD.findall(text)
    if len(keywords) != 1:
        raise SpecError(f"{where}: {item['id']} has the keywords {keywords}; expected exactly one")
    return Requirement(item["id"], keywords[0], text, item["profile"], chapter, anchor, untested, disputed)


def parse_chapters(folder: Path = CHAPTERS) -> list[Requirement]:
    """Return the requirements of all chapters, by area and number; SpecError on an id that stands twice."""
    found: dict[str, Requirement] = {}
    for path in sorted(folder.glob("*.md")):
        for requirement in parse_chapter(path.name, path.read_text(encoding="utf-8")):
            if requirement.id in found:
                raise SpecError(f"{path.name}: {requirement.id} stands in {found[requirement.id].chapter} already")
            found[requirement.id] = requirement
    return sorted(found.values(), key=lambda r: (AREAS.index(r.id.split("-")[1]), r.id))


def profiles(chapter: str) -> dict[str, dict[str, list[str]]]:
    """Return for each profile of profiles.md what it needs and on which wires it can be reached.

    `features`: all of these; `tiers`: one of these, where there are any; `wires`: can reach it as they are,
    `extended`: with the Responses extension.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for name, _, features, tiers in _rows(chapter, "profile"):
        needs = {"features": _names(features), "tiers": _names(tiers)}
        found[name.strip("*")] = needs | {"wires": [], "extended": []}
    for wire, reach in _rows(chapter, "wire"):
        plain, _, extended = wire.partition("; with ")
        reached = list(found) if reach == "all" else [word.split()[0] for word in reach.split(", ")]
        for profile in reached:
            if profile not in found:
                raise SpecError(f"profiles.md: {wire} can reach {profile!r}, which is no profile")
            found[profile]["wires"] += _names(plain)
            found[profile]["extended"] += _names(extended)
    return found


def _rows(text: str, first: str) -> list[list[str]]:
    lines = text.splitlines()
    start = next((at for at, line in enumerate(lines) if line.startswith(f"| {first} |")), None)
    if start is None:
        raise SpecError(f"profiles.md has no table that begins with the column {first!r}")
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines[start + 2 :])
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows]


def _names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def index(
    requirements: list[Requirement],
    profiles: Mapping[str, Mapping[str, list[str]]] = MappingProxyType({}),
    *,
    released: bool = False,
) -> str:
    """Return the text of requirements.json."""
    document = {
        "spec": VERSION,
        "status": "released" if released else "draft",
        "profiles": {name: dict(needs) for name, needs in profiles.items()},
        "requirements": [r.as_json() for r in requirements],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def citations(requirements: list[Requirement], cited: dict[str, list[str]], released: dict[str, Any]) -> str:
    """Return the text of checks.json.

    `cited` are the requirements of each check by its id; `released` is what released.json says. A check that a
    released version does not list came after it, and is `not_scored` there.
    """
    unknown = sorted({id for ids in cited.values() for id in ids} - {r.id for r in requirements})
    if unknown:
        raise SpecError(f"checks cite requirements that stand in no chapter: {', '.join(unknown)}")
    by_requirement = {r.id: sorted(check for check, ids in cited.items() if r.id in ids) for r in requirements}
    frozen = released["versions"].get(VERSION)
    late = sorted(set(cited) - set(frozen["checks"])) if frozen is not None else []
    document = {"spec": VERSION, "requirements": by_requirement, "not_scored": late}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _catalogue() -> dict[str, list[str]]:
    """Return the suite's checks, and its scenarios for clients, with the requirements that each cites."""
    from segue_conformance.client_side.scenario import as_checks
    from segue_conformance.registry import Catalogue

    checks = [*Catalogue.load(), *as_checks()]
    return {check.id: [requirement.id for requirement in check.requirements] for check in checks}


def mark_pending(text: str, reasons: dict[str, str]) -> str:
    """Return a chapter whose requirements named in `reasons` are marked pending; older marks stay."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        item = _ITEM.match(line)
        if item and item["id"] in reasons and "{untested: " not in line:
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
        requirements = parse_chapters()
        released = json.loads(RELEASED.read_text(encoding="utf-8"))
        frozen = VERSION in released["versions"]
        chapter = CHAPTERS / "profiles.md"
        needs = profiles(chapter.read_text(encoding="utf-8")) if chapter.exists() else {}
        stale = not _write(INDEX, index(requirements, needs, released=frozen), check=args.check)
        # After the index: the suite reads it, and refuses to load where a check cites what is not in it.
        stale |= not _write(CITATIONS, citations(requirements, _catalogue(), released), check=args.check)
    except SpecError as error:
        print(error, file=sys.stderr)
        return 1
    return int(stale)


def _write(path: Path, fresh: str, *, check: bool) -> bool:
    """Write a file, or with `check` say whether it is what it would be; returns False where it is stale."""
    if not check:
        path.write_text(fresh, encoding="utf-8")
        return True
    if not path.exists() or path.read_text(encoding="utf-8") != fresh:
        print(f"{path.relative_to(ROOT)} is out of date: run tools/gen_requirements.py", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
