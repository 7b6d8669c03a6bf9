"""Draws spec/1.0/diagrams/*.mmd as SVG beside them; with --check, says whether they would change.

The sources are Mermaid, of which this reads what the chapters need: of sequence diagrams participants, arrows (`->>`
sent, `-->>` answered, `-x` lost) and notes; of state diagrams `A --> B: cause`. The pictures are committed, so that a
chapter shows them wherever it is read: no script runs in the reader's browser and nothing is fetched.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

__all__ = ["DiagramError", "Note", "Sequence", "States", "Step", "draw", "main", "parse"]

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "spec" / "1.0" / "diagrams"

_CHAR = 7.0  # width of a character at the size below, a little more than is true of most fonts
_LINE = 17
_MARGIN = 16
_STYLE = (
    "text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:#1b1f24}"
    ".b{fill:#eef2f7;stroke:#57606a}.n{fill:#fff8c5;stroke:#d4a72c}.l{stroke:#afb8c1;stroke-dasharray:3 4}"
    ".a{stroke:#1b1f24;fill:none}.d{stroke:#1b1f24;fill:none;stroke-dasharray:6 4}.h{fill:#1b1f24}.p{fill:#fff}"
)

_PARTICIPANT = re.compile(r"participant (?P<id>\w+)(?: as (?P<title>.+))?")
_ARROW = re.compile(r"(?P<source>\w+?)(?P<arrow>-->>|->>|-x)(?P<target>\w+): (?P<text>.+)")
_NOTE = re.compile(r"Note over (?P<ids>\w+(?:,\w+)?): (?P<text>.+)")
_EDGE = re.compile(r"(?P<source>\w+) --> (?P<target>\w+): (?P<text>.+)")


class DiagramError(Exception):
    """A source says something that this does not draw; the text says where."""


@dataclass(frozen=True, slots=True)
class Step:
    """One message from a participant to another; `kind` is `sent`, `answered` or `lost`."""

    source: str
    target: str
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Note:
    """A remark over one participant, or over two and what lies between."""

    over: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence diagram: participants by their ids, and what happens, in order."""

    title: str
    participants: dict[str, str]
    steps: tuple[Step | Note, ...]


@dataclass(frozen=True, slots=True)
class States:
    """A state diagram: states in the order of their first mention, and edges (from, to, cause)."""

    title: str
    names: tuple[str, ...]
    edges: tuple[tuple[str, str, str], ...]


def parse(name: str, text: str) -> Sequence | States:
    """Return what a source says; DiagramError where it has a line of another form."""
    lines = [(at, line.strip()) for at, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(lines) < 2 or not lines[1][1].startswith("%% "):
        raise DiagramError(f"{name}: expected the kind of the diagram, then its title as `%% title`")
    (_, kind), (_, title), *rest = lines
    if kind == "sequenceDiagram":
        return _parse_sequence(name, title[3:], rest)
    if kind == "stateDiagram-v2":
        return _parse_states(name, title[3:], rest)
    raise DiagramError(f"{name}:1: expected `sequenceDiagram` or `stateDiagram-v2`, got {kind!r}")


def _parse_sequence(name: str, title: str, lines: list[tuple[int, str]]) -> Sequence:
    participants: dict[str, str] = {}
    steps: list[Step | Note] = []
    kinds = {"->>": "sent", "-->>": "answered", "-x": "lost"}
    for at, line in lines:
        if found := _PARTICIPANT.fullmatch(line):
            participants[found["id"]] = found["title"] or found["id"]
        elif found := _ARROW.fullmatch(line):
            steps.append(Step(found["source"], found["target"], found["text"], kinds[found["arrow"]]))
        elif found := _NOTE.fullmatch(line):
            steps.append(Note(tuple(found["ids"].split(",")), found["text"]))
        else:
            raise DiagramError(f"{name}:{at}: this is not drawn: {line!r}")
        last = steps[-1] if steps else None
        named = (last.source, last.target) if isinstance(last, Step) else last.over if last else ()
        if unknown := [one for one in named if one not in participants]:
            raise DiagramError(f"{name}:{at}: no participant {unknown[0]!r}")
    return Sequence(title, participants, tuple(steps))


def _parse_states(name: str, title: str, lines: list[tuple[int, str]]) -> States:
    edges: list[tuple[str, str, str]] = []
    for at, line in lines:
        found = _EDGE.fullmatch(line)
        if found is None:
            raise DiagramError(f"{name}:{at}: this is not drawn: {line!r}")
        edges.append((found["source"], found["target"], found["text"]))
    names = tuple(dict.fromkeys(end for source, target, _ in edges for end in (source, target)))
    return States(title, names, tuple(edges))


def draw(diagram: Sequence | States) -> str:
    """Return the picture as SVG."""
    return _draw_sequence(diagram) if isinstance(diagram, Sequence) else _draw_states(diagram)


def _rows(text: str) -> list[str]:
    return text.split("<br/>")


def _width(text: str) -> float:
    return max(len(row) for row in _rows(text)) * _CHAR


def _label(x: float, y: float, text: str, anchor: str = "middle") -> str:
    """Return rows of text whose last row stands at `y`."""
    rows = _rows(text)
    return "".join(
        f'<text x="{x:g}" y="{y - (len(rows) - 1 - at) * _LINE:g}" text-anchor="{anchor}">{escape(row)}</text>'
        for at, row in enumerate(rows)
    )


def _box(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4"/>'


def _page(title: str, width: float, height: float, parts: list[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img"><title>{escape(title)}</title><style>{_STYLE}</style>'
    )
    # A ground of its own: the page around it may be dark.
    return "\n".join([head, _box(0, 0, width, height, "p"), *parts, "</svg>\n"])


def _columns(diagram: Sequence) -> dict[str, float]:
    """Return where each participant stands: apart enough for every text between two neighbours."""
    ids = list(diagram.participants)
    half = {one: _width(title) / 2 + 12 for one, title in diagram.participants.items()}
    place = {ids[0]: _MARGIN + half[ids[0]]}
    for left, right in pairwise(ids):
        place[right] = place[left] + half[left] + half[right] + 24
    for step in diagram.steps:
        if isinstance(step, Step) and step.source != step.target:
            ends = sorted((step.source, step.target), key=ids.index)
        elif isinstance(step, Note):
            ends = [step.over[0], step.over[-1]]
            if ends[0] == ends[1]:
                side = _width(step.text) / 2 + 12
                push = max(0.0, _MARGIN + side - place[ends[0]])
                place = {one: x + push for one, x in place.items()}
                continue
        else:
            continue
        push = max(0.0, _width(step.text) + 36 - (place[ends[1]] - place[ends[0]]))
        place = {one: x + push if ids.index(one) >= ids.index(ends[1]) else x for one, x in place.items()}
    return place


def _draw_sequence(diagram: Sequence) -> str:
    place = _columns(diagram)
    parts: list[str] = []
    right = max(place[one] + _width(title) / 2 + 12 for one, title in diagram.participants.items())
    y = 60.0
    for step in diagram.steps:
        rows = len(_rows(step.text))
        if isinstance(step, Note):
            left_end, right_end = place[step.over[0]], place[step.over[-1]]
            width = max(_width(step.text) + 16, right_end - left_end + 40 if len(step.over) > 1 else 0)
            middle = (left_end + right_end) / 2
            parts += [_box(middle - width / 2, y, width, rows * _LINE + 8, "n")]
            parts += [_label(middle, y + rows * _LINE, step.text)]
            right = max(right, middle + width / 2)
            y += rows * _LINE + 22
            continue
        y += rows * _LINE
        source, target = place[step.source], place[step.target]
        way = 1 if target > source else -1
        parts.append(_label((source + target) / 2, y - 5, step.text))
        end = target - 3 * way
        if step.kind == "lost":
            end = source + (target - source) * 0.6
            parts.append(f'<path class="a" d="M{end - 6:g} {y - 6:g}l12 12m0 -12l-12 12"/>')
        else:
            parts.append(f'<path class="h" d="M{target:g} {y:g}l{-9 * way} -4v8z"/>')
        parts.append(f'<path class="{"d" if step.kind == "answered" else "a"}" d="M{source:g} {y:g}H{end:g}"/>')
        y += 16
    heads: list[str] = []
    for one, title in diagram.participants.items():
        width = _width(title) + 24
        heads.append(f'<path class="l" d="M{place[one]:g} 44V{y + 6:g}"/>')
        heads += [_box(place[one] - width / 2, 14, width, 30, "b"), _label(place[one], 34, title)]
    return _page(diagram.title, right + _MARGIN, y + 18, [*heads, *parts])


def _draw_states(diagram: States) -> str:
    """Draw the states in a row; an edge that skips one goes over them, one that leads back goes under them."""
    gap, top = 118.0, 96.0
    at = {name: _MARGIN + 60 + number * (gap + 104) for number, name in enumerate(diagram.names)}
    parts: list[str] = []
    for number, (source, target, text) in enumerate(diagram.edges):
        step = diagram.names.index(target) - diagram.names.index(source)
        start, end = at[source], at[target]
        if step == 1:
            parts.append(f'<path class="a" d="M{start + 52:g} {top:g}H{end - 55:g}"/>')
            parts.append(f'<path class="h" d="M{end - 52:g} {top:g}l-9 -4v8z"/>')
            parts.append(_label((start + end) / 2, top - 8, text))
            continue
        way = -1 if step > 0 else 1
        near, far = top + 18 * way, top + (60 + 8 * (number % 3)) * way
        parts.append(f'<path class="a" d="M{start:g} {near:g}V{far:g}H{end:g}V{near + 6 * way:g}"/>')
        parts.append(f'<path class="h" d="M{end:g} {near:g}l-4 {9 * way}h8z"/>')
        parts.append(_label((start + end) / 2, far - 6 if way < 0 else far + 17 + _LINE * (len(_rows(text)) - 1), text))
    for name, x in at.items():
        parts += [_box(x - 52, top - 18, 104, 36, "b"), _label(x, top + 5, name.replace("_", " "))]
    return _page(diagram.title, max(at.values()) + 60 + _MARGIN, top + 106, parts)


def main(argv: list[str] | None = None) -> int:
    """Draw, or with --check compare; returns the exit code."""
    check = "--check" in (sys.argv[1:] if argv is None else argv)
    status = 0
    for source in sorted(FOLDER.glob("*.mmd")):
        target = source.with_suffix(".svg")
        try:
            fresh = draw(parse(source.name, source.read_text(encoding="utf-8")))
        except DiagramError as error:
            print(error, file=sys.stderr)
            status = 1
            continue
        if not check:
            target.write_text(fresh, encoding="utf-8")
        elif not target.exists() or target.read_text(encoding="utf-8") != fresh:
            print(f"{target.relative_to(ROOT)} is out of date: run tools/gen_diagrams.py", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
