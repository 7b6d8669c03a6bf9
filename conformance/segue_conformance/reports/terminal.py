"""The report that a person reads: what was found first, then where it stands, then what went wrong, then one line."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ..profiles import EXIT_MEANING
from ..registry import PROFILES
from ..results import ProfileResult, Report, State, Target
from ..verdicts import Verdict
from .blocks import failures, flaky, not_judged, warnings
from .console import STATE_STYLES, VERDICT_STYLES, safe, signs
from .dialect import two_lines
from .expected import expected, otherwise, unexcused
from .outcome import meaning, numbers
from .wording import STATES, VERDICTS, counted, one_line

__all__ = ["print_contact", "print_head", "print_report"]

_STATE_SIGNS = {State.REACHED: "yes", State.NOT_REACHED: "no", State.NOT_REACHABLE: "none", State.NOT_TESTED: "open"}
_CELLS = {**STATES, State.NOT_REACHABLE: "no place"}


def print_head(console: Console, *, suite: str, spec: str, target: Target, checks: int, runs: int) -> None:
    """Say what was found and what will run."""
    console.print(Text.assemble(("Segue conformance suite ", "bold"), f"{suite}, specification {spec} (draft)"))
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column()
    rows.add_row("  target", safe(target.url))
    if target.endpoint:
        rows.add_row("  endpoint", safe(one_line(target.endpoint)))
    rows.add_row("  wires", f"{', '.join(wire.wire for wire in target.wires)} ({_found(target.found_by)})")
    if target.model:
        rows.add_row("  model", safe(one_line(target.model)))
    wires = len(target.wires)
    over = f" on {wires} wires, {runs} runs" if wires > 1 else ""
    rows.add_row("  will run", f"{counted(checks, 'check')}{over}")
    console.print(rows)
    console.print()


def _found(how: str) -> str:
    return {"discovery document": "found by its discovery document", "probing": "found by probing"}.get(how, how)


def print_report(console: Console, report: Report) -> None:
    """Print what came of a run."""
    told = unexcused(report)
    for title, parts in (
        ("What went wrong", [*failures(told, console)]),
        ("Recommendations not followed", [*warnings(told)]),
        ("Flaky: at first they did not pass, run again and alone they did", [*flaky(report)]),
        ("As the baseline says", [*expected(report)]),
        ("Other than the baseline says", [*otherwise(report)]),
    ):
        if parts:
            _title(console, title)
        for part in parts:
            console.print(part, soft_wrap=isinstance(part, Text) and part.no_wrap is True)
    if report.contact:
        _title(console, "Not reached")
        _contact(console, report)
    open_ones = not_judged(told)
    if open_ones is not None:
        _title(console, "Not judged")
        console.print(open_ones)
    if report.regraded is not None:
        made = f"recorded {report.regraded.recorded_at} by suite {report.regraded.suite}; nothing was sent"
        console.print(Text(f"Regraded from {report.regraded.transcript}, {made}", "bold"), soft_wrap=True)
    if report.dialect is not None:
        _title(console, f"The specification, and {report.dialect.title}")
    for line in two_lines(report):
        console.print(line)
    if report.notes:
        _title(console, "Worth knowing")
    for note in report.notes:
        console.print(safe(note))
    _title(console, "Profiles")
    if len(report.wires) == 1:
        console.print(_list(report, console))
        console.print()
        console.print(_counts(report))
    else:
        for table in _tables(report, console):
            console.print(table)
        notes = _notes(report)
        if notes:
            console.print()
        for line in notes:
            console.print(line)
    console.print()
    console.print(_closing(report, console))


def print_contact(console: Console, report: Report) -> None:
    """Print why there was nobody to check."""
    _contact(console, report)
    console.print(Text(f"  Nothing was checked; exit code {report.exit_code}: {EXIT_MEANING[3]}.", "dim"))


def _contact(console: Console, report: Report) -> None:
    """Print the sentences of first contact: what, where, what to try."""
    for fault in report.contact:
        where = "" if fault.where in fault.what else f" ({fault.where})"
        line = Text.assemble((f"{signs(console)['no']} ", "bold red"))
        line.append_text(safe(f"{fault.what}{where}", "bold"))
        console.print(line, soft_wrap=True)
        if fault.hint:
            console.print(safe(f"  {fault.hint}"), soft_wrap=True)


def _title(console: Console, text: str) -> None:
    console.print()
    console.rule(Text(text, "bold"), align="left", style="dim", characters="─" if signs(console)["yes"] == "✔" else "-")


def _tables(report: Report, console: Console) -> list[Table]:
    """Return where the wires stand, side by side as many as there is room for."""
    tables: list[Table] = []
    wide = console.options.update(max_width=1000)
    for rows in range(1, len(report.wires) + 1):
        size = -(-len(report.wires) // rows)
        tables = [
            _table(report, report.wires[first : first + size], console) for first in range(0, len(report.wires), size)
        ]
        if all(Measurement.get(console, wide, table).maximum <= console.width for table in tables):
            break
    return tables


def _table(report: Report, wires: Sequence[str], console: Console) -> Table:
    marks = signs(console)
    table = Table(box=box.SIMPLE if marks["yes"] == "✔" else box.ASCII, pad_edge=False, show_edge=False)
    table.add_column("")
    for wire in wires:
        table.add_column(wire, no_wrap=True)
    for profile in PROFILES:
        states = [report.state(profile, wire) for wire in wires]
        table.add_row(profile, *(_cell(state, marks) for state in states))
    table.add_section()
    counts = {wire: report.counts(wire) for wire in report.wires}
    for verdict, word in VERDICTS.items():
        if any(counts[wire][verdict] for wire in report.wires):
            cells = [_count(counts[wire][verdict], verdict) for wire in wires]
            table.add_row(Text(word, VERDICT_STYLES[verdict]), *cells)
    return table


def _list(report: Report, console: Console) -> Table:
    """Return where one wire stands: a line for each profile, with the reason beside it."""
    marks, wire = signs(console), report.wires[0]
    rows = Table.grid(padding=(0, 2))
    rows.add_column(no_wrap=True)
    rows.add_column(no_wrap=True)
    rows.add_column()
    for state in (report.state(profile, wire) for profile in PROFILES):
        if state is not None:
            reason = "" if state.state is State.NOT_REACHABLE else state.reason
            rows.add_row(state.profile, _cell(state, marks), safe(reason, "dim"))
    return rows


def _counts(report: Report) -> Text:
    counts = report.counts()
    told = [Text(f"{counts[v]} {word}", VERDICT_STYLES[v]) for v, word in VERDICTS.items() if counts[v]]
    return Text(", ").join(told)


def _cell(state: ProfileResult | None, marks: dict[str, str]) -> Text:
    if state is None:
        return Text("")
    return Text(f"{marks[_STATE_SIGNS[state.state]]} {_CELLS[state.state]}", STATE_STYLES[state.state])


def _count(number: int, verdict: Verdict) -> Text:
    return Text(str(number), VERDICT_STYLES[verdict] if number else "dim")


def _notes(report: Report) -> list[Text]:
    """Return why a profile is not reached, or not tested, or reached with what is left open; a line for each reason."""
    reasons: dict[tuple[str, State, str], list[str]] = {}
    for p in report.profiles:
        if p.state is not State.NOT_REACHABLE and (p.reason or p.state is not State.REACHED):
            reasons.setdefault((p.profile, p.state, p.reason), []).append(p.wire)
    merged: dict[tuple[State, str, tuple[str, ...]], list[str]] = {}
    for (profile, state, reason), wires in reasons.items():
        merged.setdefault((state, reason, tuple(wires)), []).append(profile)
    lines = []
    for (state, reason, told), profiles in merged.items():
        where = "" if len(report.wires) == 1 else f" on {', '.join(told)}"
        lines.append(
            Text.assemble((f"{', '.join(profiles)}{where}: ", STATE_STYLES[state]), f"{STATES[state]}, {reason}")
        )
    return lines


def _closing(report: Report, console: Console) -> Text:
    marks = signs(console)
    code = report.exit_code
    sign, style = {0: (marks["yes"], "bold green"), 1: (marks["no"], "bold red")}.get(
        code, (marks["open"], "bold yellow")
    )
    return Text.assemble((f"{sign} {meaning(report)}", style), (f"\n  {numbers(report)}; exit code {code}", "dim"))
