"""What an engineer mends a server from: the rule, what was expected and what came, the frames, how to run it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from xml.etree import ElementTree as ET

from ...results import CheckResult, Report
from ...verdicts import Verdict
from ..decisive import Story, line, story
from ..evidence import ACTUAL, EXPECTED, Clue, difference
from ..expected import unexcused
from ..grouping import Group, grouped, same_reason
from ..steps import Step
from ..wording import cut, one_line
from ..wording import prose as without_links
from .elements import Child, code, el, marked, prose
from .summary import SIGNS

__all__ = ["articles", "baseline", "flaky", "not_judged", "rerun", "shown"]

_LONG, _FRAME = 2000, 700
#: All that is shown of frames together, in characters, and of other texts: what is many is shown shorter.
_ROOM, _TEXTS = 60_000, 60_000
#: Findings behind so many are shown without the frames that decided them: all frames are there all the same.
_WHOLE = 150
_TITLES = {
    Verdict.FAIL: ("failures", "What went wrong"),
    Verdict.ERROR: ("failures", "What went wrong"),
    Verdict.WARN: ("warnings", "Recommendations not followed"),
}


@dataclass(frozen=True, slots=True)
class _Rooms:
    """How many characters a frame (0: none is shown) and another text may have."""

    frame: int
    text: int


def shown(report: Report) -> list[CheckResult]:
    """Return the results of which the page holds all frames, in its order."""
    return [r for r in report.results if r.frames]


def rerun(report: Report, result: CheckResult) -> str:
    """Return the command that performs one check again."""
    return f"{report.rerun} --wire {result.wire} --only {result.check}"


def articles(report: Report, places: Mapping[int, int]) -> Iterator[ET.Element]:
    """Give the sections of failures and of warnings. `places`: where a result's frames are, by its identity."""
    told = unexcused(report)
    wrong = sorted(grouped(told.of(Verdict.FAIL, Verdict.ERROR)), key=lambda group: not report.bears(group.first))
    advised = grouped(told.of(Verdict.WARN))
    many = len(wrong) + len(advised)
    rooms = _Rooms(max(120, min(_FRAME, _ROOM // max(1, many))), max(150, min(_LONG, _TEXTS // max(1, many))))
    for groups in (wrong, advised):
        if groups:
            id, title = _TITLES[groups[0].first.verdict]
            parts = [
                _article(report, group, places, rooms if place < _WHOLE else replace(rooms, frame=0))
                for place, group in enumerate(groups)
            ]
            yield el("section", el("h2", f"{title} ({len(groups)})"), *parts, id=id, class_="findings")


def _article(report: Report, group: Group, places: Mapping[int, int], rooms: _Rooms) -> ET.Element:
    first = group.first
    told = story(first)
    anchors = [el("span", id=f"{r.wire}.{r.check}", class_="anchor") for r in group.results]
    return el(
        "article",
        *anchors,
        el(
            "h3",
            _badge(first.verdict),
            " ",
            code(first.check),
            *(part for wire in group.wires for part in (" ", el("span", wire, class_="wire"))),
            el("a", "#", href=f"#{first.wire}.{first.check}", class_="self", aria_label="Link to this failure"),
        ),
        prose(f"{first.title}.", class_="title"),
        _rule(first),
        el("dl", *_facts(report, first, rooms.text)),
        el("div", el("h4", "What decided it"), _frames(told, told.steps, rooms.frame))
        if told.steps and rooms.frame
        else None,
        _control(told, first, rooms),
        _rerun(report, group),
        *(_every(r, places, told.clues, len(group.results) > 1) for r in group.results if id(r) in places),
        data_check=first.check,
        data_profile=first.profile,
        data_wires=" ".join(group.wires),
        data_verdict=first.verdict.value,
    )


def _badge(verdict: Verdict) -> ET.Element:
    sign = el("span", SIGNS[verdict], class_="sign", aria_hidden="true")
    return el("span", sign, "suite error" if verdict is Verdict.ERROR else verdict.value, class_=f"badge {verdict}")


def _rule(result: CheckResult) -> ET.Element:
    """Return the sentence that was broken; its id leads to the specification's text about it, on this page."""
    link = el("a", result.requirement, href=f"#{result.requirement}")
    return el("blockquote", el("p", link, class_="id"), prose(without_links(result.sentence)))


def _facts(report: Report, result: CheckResult, room: int) -> Iterator[ET.Element]:
    error = result.verdict is Verdict.ERROR
    seen = result.message.partition("\n")[0] if error else result.message
    if seen:
        yield el("dt", "Seen")
        yield prose(cut(seen, room), "dd")
    if result.expected or result.actual:
        expected, actual = difference(cut(result.expected, room), cut(result.actual, room))
        yield el("dt", "Expected", class_=EXPECTED)
        yield marked(expected, "dd", class_="said")
        yield el("dt", "Actual", class_=ACTUAL)
        yield marked(actual, "dd", class_="said")
    if error:
        yield el("dt", "Note")
        yield el("dd", f"This is a fault of the suite, not of the {report.judged}; --debug shows where.")
    elif not report.bears(result):
        state = report.state(result.profile, result.wire)
        why = f"{result.profile} is {state.reason}" if state is not None and state.reason else "it was not asked for"
        yield el("dt", "Note")
        yield el("dd", f"No bearing on the exit code: {why}.")
    if report.recording:
        yield el("dt", "Transcript")
        yield el("dd", el("code", report.recording))


def _frames(told: Story, steps: Sequence[Step], room: int) -> ET.Element:
    rows = []
    for step in steps:
        way = {"sent": ("→", "sent"), "received": ("←", "received")}.get(step.direction, ("─", step.direction))
        rows.append(
            el(
                "li",
                el("span", f"{step.at_ms / 1000:.3f}", class_="at"),
                el("span", way[0], class_=f"way {step.direction}", role="img", aria_label=way[1]),
                el("span", cut(one_line(step.connection), 40), class_="on"),
                marked(line(step, room, told.clues), "code"),
            )
        )
    return el("ol", *rows, class_="frames")


def _control(told: Story, result: CheckResult, rooms: _Rooms) -> ET.Element | None:
    if not result.control and not told.control:
        return None
    parts: list[Child] = [el("h4", "Control arm")]
    if result.control:
        parts.append(el("p", f"{result.control[:1].upper()}{cut(result.control[1:], rooms.text)}."))
    if told.control and rooms.frame:
        parts.append(_frames(told, told.control, rooms.frame))
    return el("div", *parts, class_="control")


def _rerun(report: Report, group: Group) -> ET.Element | None:
    if not report.rerun:
        return None
    command = rerun(report, group.first)
    button = el("button", "Copy", type="button", class_="copy", aria_label="Copy the command")
    parts: list[Child] = [el("h4", "Run it again"), el("div", el("pre", code(command)), button, class_="command")]
    return el("div", *parts)


def _every(result: CheckResult, places: Mapping[int, int], clues: Sequence[Clue], told_apart: bool) -> ET.Element:
    where = f" on {result.wire}" if told_apart else ""
    return el(
        "details",
        el("summary", f"All {len(result.frames)} frames{where}"),
        class_="every",
        data_frames=str(places[id(result)]),
        data_expected=_words(clues, EXPECTED),
        data_actual=_words(clues, ACTUAL),
    )


def _words(clues: Sequence[Clue], mark: str) -> str | None:
    """Return the plain words that are marked in the frames, a line each."""
    found = [c.words for c in clues if c.mark == mark and len(c.words) > 3 and not (c.number or c.status or c.state)]
    return "\n".join(found[:4]) or None


_KINDS = {
    "unexpected": "is in no entry of the baseline",
    "changed": "the baseline expects another verdict",
    "stale": "stands in the baseline, and no longer holds: take the entry out",
    "expected": "as the baseline says",
}


def baseline(report: Report) -> ET.Element | None:
    """Return how the run compares with its baseline: what is otherwise first, then what is excused, with its reason."""
    if report.baseline is None:
        return None
    rows = [
        el(
            "tr",
            el("td", el("strong", words) if kind != "expected" else words),
            el("td", code(line.check), f" {line.wire}"),
            el(
                "td",
                line.actual or "no such check",
                f" (expected: {line.expected})" if line.expected else None,
            ),
            el("td", cut(line.reason, _LONG)),
        )
        for kind, words in _KINDS.items()
        for line in report.baseline.of(kind)
    ]
    titles = ("", "Check", "Verdict", "Reason")
    table = el("table", el("thead", el("tr", *(el("th", n, scope="col") for n in titles))), el("tbody", *rows))
    scroll = el("div", table, class_="scroll", tabindex="0", role="region", aria_label="Baseline")
    return el("section", el("h2", f"Compared with the baseline ({len(rows)})"), scroll, id="baseline")


def flaky(report: Report) -> ET.Element | None:
    """Return the checks that passed only when they ran alone."""
    found = [result for result in report.results if result.flaky]
    if not found:
        return None
    rows = [el("li", code(r.check), f" on {r.wire}: {cut(r.message, _LONG)}") for r in found]
    title = f"Flaky: at first they did not pass, run again and alone they did ({len(found)})"
    return el("section", el("h2", title), el("ul", *rows), id="flaky")


def not_judged(report: Report, places: Mapping[int, int]) -> ET.Element | None:
    """Return why checks were not judged, each reason once."""
    rows: list[ET.Element] = []
    for verdict in (Verdict.UNTESTABLE, Verdict.INCONCLUSIVE, Verdict.SKIP):
        for reason, members in same_reason(unexcused(report).of(verdict)):
            names = list(dict.fromkeys(member.check for member in members))
            wires = [wire for wire in report.wires if any(member.wire == wire for member in members)]
            shown: list[Child] = [code(name) for name in names]
            listed = el("details", el("summary", f"{len(names)} checks"), el("p", *_spaced(shown)))
            with_frames = [member for member in members if id(member) in places][:3]
            rows.append(
                el(
                    "tr",
                    el("td", _badge(verdict)),
                    el("td", cut(reason, _LONG), *(_every(member, places, (), True) for member in with_frames)),
                    el("td", *(_spaced(shown) if len(names) < 4 else [listed])),
                    el("td", ", ".join(wires)),
                )
            )
    if not rows:
        return None
    titles = ("Verdict", "Why", "Checks", "Wires")
    table = el("table", el("thead", el("tr", *(el("th", n, scope="col") for n in titles))), el("tbody", *rows))
    scroll = el("div", table, class_="scroll", tabindex="0", role="region", aria_label="Not judged")
    return el("section", el("h2", "Not judged"), scroll, id="open", class_="open")


def _spaced(children: Sequence[Child]) -> list[Child]:
    return [part for child in children for part in (child, " ")]
