"""A summary for the page of a CI job: a headline, the profiles, each failure with its command, its frames folded away.

Written for what GitHub, GitLab and Gitea make of Markdown, and small enough for them: a job's summary may have a
megabyte, a comment 65,536 characters. What a target sent stands in code or is escaped, so that it can neither end a
table nor call a person's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..cells import results_of
from ..registry import PROFILES
from ..results import ProfileResult, Report, State
from ..verdicts import Verdict
from .decisive import Story, line, story
from .dialect import two_lines
from .evidence import joined
from .expected import unexcused
from .grouping import Group, grouped, same_reason
from .outcome import asides, meaning, numbers
from .steps import Step
from .wording import ARROWS, STATES, VERDICTS, clean, counted, cut, one_line, prose

__all__ = ["escape", "fenced", "inline", "render"]

#: A report with more is cut: the counts are whole, and the other reports have the rest.
_MOST, _FAILURES = 60_000, 40
_LONG, _FRAME = 400, 240
_SIGNS = {0: "✅", 1: "❌", 3: "❌", 4: "⚠️", 5: "⚠️"}
_MARKS = {State.REACHED: "✅", State.NOT_REACHED: "❌", State.NOT_REACHABLE: "", State.NOT_TESTED: "❔"}
# What Markdown, HTML or a forge could read as more than a character: @people, #issues, links, tables.
_ESCAPES = {ord(c): f"&#{ord(c)};" for c in "&<>\"'|`*_~[]()!\\$:{}^"}
# A forge looks for these in what it has rendered already; a comment between is what it does not read over.
_ESCAPES |= {ord(c): f"&#{ord(c)};<!-- -->" for c in "@#"}


def render(report: Report) -> str:
    """Return the summary."""
    lines = [*_head(report), *_profiles(report), *_cells(report)]
    told = unexcused(report)
    wrong = sorted(grouped(told.of(Verdict.FAIL, Verdict.ERROR)), key=lambda group: not report.bears(group.first))
    blocks = [
        *_section("What went wrong", report, wrong),
        *_section("Recommendations not followed", report, grouped(told.of(Verdict.WARN))),
        *_baseline(report),
        *_besides(report),
        *_open(told),
    ]
    size = sum(len(row) + 1 for row in lines)
    left_out = 0
    for block in blocks:
        length = sum(len(row) + 1 for row in block)
        if size + length > _MOST:
            left_out += 1
            continue
        lines += block
        size += length
    if left_out:
        lines += ["", f"{counted(left_out, 'block')} left out here: `--html` and `--json` have them all."]
    return "\n".join(lines).strip() + "\n"


def escape(text: str) -> str:
    """Return text on one line in which nothing is read as Markdown, HTML, a name or a link."""
    return one_line(text).translate(_ESCAPES)


def inline(text: str) -> str:
    """Return text as code within a line, also in a table: HTML, since code between backticks has no escape."""
    return f"<code>{escape(text)}</code>"


def fenced(rows: Sequence[str], kind: str = "text") -> list[str]:
    """Return lines as a block of code, fenced by more backticks than they hold."""
    longest = max((len(run) for row in rows for run in _runs(row)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{kind}", *(clean(row, keep="") for row in rows), fence]


def _runs(text: str) -> list[str]:
    return "".join(c if c == "`" else " " for c in text).split()


def _head(report: Report) -> Iterator[str]:
    name = f" ({escape(report.target.endpoint)})" if report.target.endpoint else ""
    yield f"## {_SIGNS.get(report.exit_code, '')} Segue: {meaning(report)}"
    yield ""
    model = f", model {inline(report.target.model)}" if report.target.model else ""
    yield f"{inline(report.target.url)}{name}{model}: {numbers(report)}; exit code {report.exit_code}."
    yield f"Suite {escape(report.suite)}, specification {escape(report.spec)} (draft)."
    for fault in report.contact:
        yield ""
        yield f"**{escape(fault.what)}** ({escape(fault.where)}) {escape(fault.hint)}".rstrip()


def _profiles(report: Report) -> Iterator[str]:
    if not report.results:
        return
    counts = {wire: report.counts(wire) for wire in report.wires}
    yield ""
    yield f"| | {' | '.join(report.wires)} |"
    yield f"|---|{'---|' * len(report.wires)}"
    for profile in PROFILES:
        yield f"| **{profile}** | {' | '.join(_state(report.state(profile, wire)) for wire in report.wires)} |"
    for verdict, word in VERDICTS.items():
        if any(counts[wire][verdict] for wire in report.wires):
            yield f"| {word} | {' | '.join(str(counts[wire][verdict]) for wire in report.wires)} |"


def _cells(report: Report) -> Iterator[str]:
    """Give the same promise by state, delivery and wire."""
    rows = results_of(report)
    if len(rows) < 2:
        return
    yield ""
    yield f"| history | answer | {' | '.join(report.wires)} |"
    yield f"|---|---|{'---|' * len(report.wires)}"
    for cell, row in rows.items():
        told = (row[wire].verdict.value if wire in row else "" for wire in report.wires)
        yield f"| {cell.state} | {cell.delivery} | {' | '.join(told)} |"


def _state(state: ProfileResult | None) -> str:
    if state is None:
        return ""
    if state.state is State.NOT_REACHABLE:
        return "no place"
    reason = f": {escape(state.reason)}" if state.reason else ""
    return f"{_MARKS[state.state]} {STATES[state.state]}{reason}"


def _section(title: str, report: Report, groups: Sequence[Group]) -> Iterator[list[str]]:
    """Give the blocks of a section, its title with the first of them."""
    for place, group in enumerate(groups[:_FAILURES]):
        head = ["", f"### {title} ({len(groups)})"] if place == 0 else []
        yield [*head, "", *_failure(report, group)]
    if len(groups) > _FAILURES:
        yield ["", f"{len(groups) - _FAILURES} more are in `--html` and `--json`."]


def _failure(report: Report, group: Group) -> Iterator[str]:
    first = group.first
    yield f"#### {inline(first.check)} on {', '.join(group.wires)}"
    yield ""
    yield f"> **{escape(first.requirement)}** {_sentence(first.sentence)}"
    yield ""
    yield f"- seen: {escape(cut(first.message.partition(chr(10))[0], _LONG))}"
    if first.expected or first.actual:
        yield f"- expected: {inline(cut(first.expected, _LONG))}"
        yield f"- actual: {inline(cut(first.actual, _LONG))}"
    if first.control:
        yield f"- control arm: {escape(cut(first.control, _LONG))}"
    if report.recording:
        yield f"- transcript: {inline(report.recording)}"
    if first.verdict is Verdict.ERROR:
        yield f"- this is a fault of the suite, not of the {report.judged}"
    elif not report.bears(first):
        yield "- no bearing on the exit code"
    if report.rerun:
        yield ""
        yield from fenced([f"{report.rerun} --wire {first.wire} --only {first.check}"], "sh")
    told = story(first)
    if told.steps:
        yield ""
        yield f"<details><summary>The frames that decided it (of {len(first.frames)})</summary>"
        yield ""
        rows = [*_frames(told, told.steps)]
        if told.control:
            rows += ["", "control arm:", *_frames(told, told.control)]
        yield from fenced(rows)
        yield ""
        yield "</details>"


def _sentence(text: str) -> str:
    """Return a sentence of the specification; what it writes between backticks is code."""
    parts = prose(text).split("`")
    return "".join(
        inline(part) if place % 2 else clean(part, keep="").translate(_ESCAPES) for place, part in enumerate(parts)
    )


def _frames(told: Story, shown: Sequence[Step]) -> Iterator[str]:
    for step in shown:
        where = f"{one_line(step.connection)} " if step.connection else ""
        said = one_line(joined(line(step, _FRAME, told.clues)))
        yield f"{step.at_ms / 1000:7.3f} {ARROWS.get(step.direction, '--')} {where}{said}"


def _baseline(report: Report) -> Iterator[list[str]]:
    if report.baseline is None:
        return
    other = report.baseline.of("unexpected", "changed", "stale")
    rows = ["", f"### Compared with the baseline: {counted(len(report.baseline.of('expected')), 'result')} as expected"]
    if other:
        rows += ["", "| check | wire | expected | now |", "|---|---|---|---|"]
        rows += [
            f"| {inline(one.check)} | {one.wire} | {one.expected or 'pass'} | {one.actual or 'no such check'} |"
            for one in other
        ]
    yield rows


def _besides(report: Report) -> Iterator[list[str]]:
    rows = [*(row.plain for row in two_lines(report)), *asides(report)]
    title = f"The specification, and {report.dialect.title}" if report.dialect is not None else "Worth knowing"
    if rows:
        yield ["", f"### {escape(title)}", "", *(f"- {escape(cut(row, _LONG))}" for row in rows)]


def _open(report: Report) -> Iterator[list[str]]:
    rows = []
    for verdict in (Verdict.UNTESTABLE, Verdict.INCONCLUSIVE, Verdict.SKIP):
        for reason, members in same_reason(report.of(verdict)):
            names = list(dict.fromkeys(member.check for member in members))
            what = inline(names[0]) if len(names) == 1 else f"{len(names)} checks"
            rows.append(f"| {verdict.value} | {what} | {escape(cut(reason, _LONG))} |")
    if rows:
        head = ["", f"<details><summary>Not judged ({len(rows)} reasons)</summary>", ""]
        yield [*head, "| | | why |", "|---|---|---|", *rows, "", "</details>"]
