"""The part of the terminal report that tells what went wrong: a block for each failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..results import CheckResult, Report
from ..verdicts import Verdict
from .console import VERDICT_STYLES, safe, signs
from .decisive import Story, line, story
from .evidence import ACTUAL, EXPECTED, NAMED, Span, difference
from .grouping import grouped, same_reason
from .steps import Step
from .wording import clean, cut, one_line, prose

__all__ = ["broken", "failures", "flaky", "not_judged", "spans", "warnings"]

_LONG = 600
_MARKS = {EXPECTED: "bold green underline", ACTUAL: "bold red underline", NAMED: "bold underline"}


def failures(report: Report, console: Console) -> Iterator[RenderableType]:
    """Give a block for each failure and each fault of the suite, those that bear on the exit code first."""
    found = grouped(report.of(Verdict.FAIL, Verdict.ERROR))
    for place, group in enumerate(sorted(found, key=lambda group: not report.bears(group.first))):
        if place:
            yield Text("")
        yield _heading(group.first, group.wires, console)
        yield Padding(_body(report, group.first, console), (0, 0, 0, 2))
        if report.rerun:
            yield _rerun(report, group.first)


def _heading(result: CheckResult, wires: tuple[str, ...], console: Console) -> Text:
    word = "SUITE ERROR" if result.verdict is Verdict.ERROR else result.verdict.upper()
    heading = Text.assemble((f" {word} ", VERDICT_STYLES[result.verdict]), (f" {result.check}", "bold"))
    heading.append(f"  {', '.join(wires)}", "dim")
    return heading


def _body(report: Report, result: CheckResult, console: Console) -> Table:
    rows = Table.grid(padding=(0, 1))
    rows.add_column(style="dim", no_wrap=True, min_width=8)
    rows.add_column(ratio=1, overflow="fold")
    rows.add_row("check", safe(result.title))
    # The sentence is the specification's own; its id is what one looks up there.
    rows.add_row(result.requirement, safe(prose(result.sentence), "bold"))
    seen = result.message if result.verdict is not Verdict.ERROR else result.message.partition("\n")[0]
    rows.add_row("seen", safe(cut(seen, _LONG)))
    if result.expected or result.actual:
        expected, actual = difference(cut(clean(result.expected), _LONG), cut(clean(result.actual), _LONG))
        rows.add_row("expected", spans(expected, console, "green"))
        rows.add_row("actual", spans(actual, console, "red"))
    if result.frames:
        told = story(result)
        rows.add_row("frames", _frames(told, told.steps, console))
    if result.control:
        rows.add_row("control", safe(cut(result.control, _LONG)))
    if result.frames and told.control:
        rows.add_row("" if result.control else "control", _frames(told, told.control, console))
    if result.verdict is Verdict.ERROR:
        rows.add_row("", f"This is a fault of the suite, not of the {report.judged}; --debug shows where.")
    elif not report.bears(result):
        rows.add_row("", f"No bearing on the exit code: {_why_none(report, result)}.")
    if report.recording:
        rows.add_row("transcript", safe(report.recording))
    return rows


def _why_none(report: Report, result: CheckResult) -> str:
    if result.disputed:
        return f"what {result.requirement} means is disputed ({one_line(result.disputed)})"
    if not result.scored:
        return f"the check came after the release of specification {report.spec}, so it is not scored"
    state = report.state(result.profile, result.wire)
    return f"{result.profile} is {state.reason}" if state is not None and state.reason else "it was not asked for"


def _frames(told: Story, shown: Sequence[Step], console: Console) -> Group:
    """Return steps as lines, each of two or three rows at most: a frame is evidence, not reading matter."""
    marks = signs(console)
    room = max(30, console.width - 17)
    rows = 2 if room > 80 else 3
    lines: list[Text] = []
    for step in shown:
        head = Text.assemble((f"{step.at_ms / 1000:.3f} ", "dim"), marks.get(step.direction, marks["note"]), " ")
        if step.connection:
            head.append(f"{one_line(step.connection)} ", "dim")
        # Words are not broken, so a row is seldom full.
        head.append_text(spans(line(step, rows * room - head.cell_len - rows * 6, told.clues), console))
        lines.append(broken(head, room))
    return Group(*lines)


def broken(text: Text, room: int) -> Text:
    """Return text broken into rows: JSON has few blanks, so behind a comma will do, and at the margin if need be."""
    offsets, begin, cells, good = [], 0, 0, 0
    for place, character in enumerate(text.plain):
        cells += cell_len(character)
        if cells > room:
            at = good if good > begin + room // 2 else place
            offsets.append(at)
            begin, cells = at, cell_len(text.plain[at : place + 1])
        if character in " ,":
            good = place + 1
    parts = text.divide(offsets)
    for part in parts:
        part.rstrip()
    broken = Text("\n").join(parts)
    broken.overflow = "fold"
    return broken


def spans(pieces: Sequence[Span], console: Console, style: str = "") -> Text:
    """Return marked text: by colour, or between brackets where there is none."""
    marks = signs(console)
    text = Text(style=style)
    for span in pieces:
        words = clean(span.text)
        if not span.mark:
            text.append(words)
        elif console.color_system is None:
            text.append(f"{marks['begin']}{words}{marks['end']}")
        else:
            text.append(words, _MARKS[span.mark])
    return text


def _rerun(report: Report, result: CheckResult) -> Text:
    """Return the command that runs this one check again, on a line that no wrap breaks, so that it can be copied."""
    line = Text("  rerun ", "dim", no_wrap=True, overflow="ignore")
    line.append(clean(f"{report.rerun} --wire {result.wire} --only {result.check}"), "not dim")
    return line


def warnings(report: Report) -> Iterator[RenderableType]:
    """Give two lines for each SHOULD that is left out."""
    for group in grouped(report.of(Verdict.WARN)):
        result = group.first
        heading = Text.assemble((" WARN ", VERDICT_STYLES[Verdict.WARN]), (f" {result.check}", "bold"))
        heading.append(f"  {', '.join(group.wires)}", "dim")
        yield heading
        told = safe(cut(one_line(result.message), _LONG))
        if result.actual:
            told.append(f"; got {cut(one_line(result.actual), 160)}")
        yield Padding(told, (0, 0, 0, 2))
        yield Padding(safe(f"{result.requirement}: {prose(result.sentence)}", "dim"), (0, 0, 0, 2))


def flaky(report: Report) -> Iterator[RenderableType]:
    """Give a line for each check that passed only when it ran alone."""
    for result in report.results:
        if result.flaky:
            line = Text.assemble((result.check, "bold"), (f"  {result.wire}  ", "dim"))
            yield line.append_text(safe(cut(one_line(result.message), _LONG)))


def not_judged(report: Report) -> Table | None:
    """Return a line for each reason why checks were not judged, with how many and where; None if all were."""
    rows = Table.grid(padding=(0, 1))
    rows.add_column(no_wrap=True)
    rows.add_column()
    for verdict in (Verdict.UNTESTABLE, Verdict.INCONCLUSIVE, Verdict.SKIP):
        for reason, members in same_reason(report.of(verdict)):
            rows.add_row(Text(verdict.value, VERDICT_STYLES[verdict]), _reason(report, reason, members))
    return rows if rows.row_count else None


def _reason(report: Report, reason: str, members: Sequence[CheckResult]) -> Text:
    names = list(dict.fromkeys(member.check for member in members))
    wires = [wire for wire in report.wires if any(member.wire == wire for member in members)]
    line = Text(names[0] if len(names) == 1 else f"{len(names)} checks")
    if len(wires) < len(report.wires):
        line.append(f" on {', '.join(wires)}", "dim")
    return line.append(": ").append_text(safe(cut(one_line(reason), 300)))
