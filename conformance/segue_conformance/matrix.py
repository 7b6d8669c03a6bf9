"""`segue matrix`: one Markdown page that compares reports, made from their JSON and from nothing else."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from .registry import PROFILES
from .reports.html import comparison
from .reports.wording import STATES, one_line
from .results import CheckResult, NotAReport, Report, State, read
from .verdicts import Verdict

__all__ = ["Column", "columns_of", "escape", "matrix", "page"]

_SIGNS = {
    Verdict.PASS: "✔",
    Verdict.FAIL: "✘",
    Verdict.WARN: "▲",
    Verdict.SKIP: "–",
    Verdict.UNTESTABLE: "∅",
    Verdict.INCONCLUSIVE: "?",
    Verdict.ERROR: "!",
}
_LEGEND = (
    "✔ passed · ✘ failed · ▲ a recommendation is not followed · – skipped: not offered, or the wire has no place for "
    "it · ∅ untestable: something it stands on did not work · ? inconclusive: nothing was proved · ! a fault of the "
    "suite · empty: the check is not for this wire, or was not asked for"
)
_STATE_WORDS = {**STATES, State.REACHED: "**reached**", State.NOT_REACHABLE: "no place"}
# What Markdown or HTML could read as more than a character.
_SPECIAL = re.compile(r"([\\`*_{}\[\]#!|~$])")
_TOLD = (Verdict.FAIL, Verdict.ERROR, Verdict.WARN, Verdict.UNTESTABLE, Verdict.INCONCLUSIVE)
_LONG = 300


@dataclass(frozen=True, slots=True)
class Column:
    """One wire of one report, under the name that its target has on the page."""

    name: str
    wire: str
    report: Report

    def result(self, check: str) -> CheckResult | None:
        """Return what came of a check here."""
        return next((r for r in self.report.results if r.check == check and r.wire == self.wire), None)


@click.command()
@click.argument("reports", nargs=-1, required=True, metavar="[NAME=]REPORT.json…")
@click.option("--out", metavar="FILE", help="Write the page there; standard output without it.")
@click.option("--html", "as_html", is_flag=True, help="Write one self-contained HTML page instead.")
@click.option("--title", default="What was found", show_default=True, help="Heading of the page.")
def matrix(reports: tuple[str, ...], out: str | None, as_html: bool, title: str) -> None:
    """Compare JSON reports of `segue check` on one page, in Markdown or as HTML.

    A report's columns bear NAME, or else the name that the endpoint gives itself, or its URL.
    """
    loaded = [_load(written) for written in reports]
    columns = [column for name, report in loaded for column in columns_of(name, report)]
    unreached = [(_named(name, report), report) for name, report in loaded if not report.wires]
    text = (comparison.render if as_html else page)(columns, title=title, unreached=unreached)
    if out is None:
        # A pipe or a terminal whose encoding lacks the signs gets marks of replacement, not a fault.
        sys.stdout.buffer.write(text.encode("utf-8"))
        return
    try:
        Path(out).write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"--out: can't write {out}: {error.strerror or error}") from None


def _load(written: str) -> tuple[str, Report]:
    """Return the name that was given, or none, and the report."""
    name, path = "", Path(written)
    if "=" in written and not path.exists():
        name, _, rest = written.partition("=")
        path = Path(rest)
    try:
        return name, read(path.read_bytes())
    except OSError as error:
        raise click.UsageError(f"can't read {path}: {error.strerror or error}") from None
    except NotAReport as error:
        raise click.UsageError(f"{path} is no report of segue check: {error}") from None


def columns_of(name: str, report: Report) -> list[Column]:
    """Return a column for each wire of a report."""
    return [Column(_named(name, report), wire, report) for wire in report.wires]


def page(
    columns: Sequence[Column], *, title: str = "What was found", unreached: Sequence[tuple[str, Report]] = ()
) -> str:
    """Return the page. `unreached`: reports, with the names given to them, of runs that found nobody."""
    lines = [f"# {escape(title)}", "", *_about(columns)]
    for name, report in unreached:
        why = "; ".join(fault.what for fault in report.contact) or "no wire was found"
        lines.append(f"- **{escape(_named(name, report))}**: nothing was checked: {escape(why)}")
    lines += ["", *_table(columns), "", f"{_LEGEND}.", ""] if columns else []
    lines += _seen(columns)
    return "\n".join(lines).rstrip() + "\n"


def _named(name: str, report: Report) -> str:
    return name or report.target.endpoint or report.target.url


def escape(text: str) -> str:
    """Return text on one line in which nothing is read as Markdown or HTML."""
    text = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", text)


def _about(columns: Sequence[Column]) -> Iterator[str]:
    """Give a line for each report: what was checked, when, by which suite."""
    yield "Made by `segue matrix` from JSON reports of `segue check`."
    yield ""
    for report in dict.fromkeys(id(column.report) for column in columns):
        column = next(column for column in columns if id(column.report) == report)
        day = column.report.started_at[:10]
        model = f", model {escape(column.report.target.model)}" if column.report.target.model else ""
        suite = f"suite {escape(column.report.suite)}, specification {escape(column.report.spec)}"
        yield f"- **{escape(column.name)}**: {day}{model}; {suite}"


def _table(columns: Sequence[Column]) -> Iterator[str]:
    yield _row("", *(f"{escape(column.name)}<br>{column.wire}" for column in columns))
    yield _row("---", *(":-:" for _ in columns))
    for profile in PROFILES:
        yield _row(f"**{profile}**", *(_state(column, profile) for column in columns))
    for profile in PROFILES:
        checks = _checks(columns, profile)
        if checks:
            yield _row(f"*Checks of {profile}*", *("" for _ in columns))
        for check in checks:
            yield _row(f"`{check}`", *(_cell(column, check) for column in columns))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _state(column: Column, profile: str) -> str:
    state = column.report.state(profile, column.wire)
    return _STATE_WORDS[state.state] if state is not None else ""


def _checks(columns: Sequence[Column], profile: str) -> list[str]:
    found = [r.check for column in columns for r in column.report.results if r.profile == profile]
    return list(dict.fromkeys(found))


def _cell(column: Column, check: str) -> str:
    result = column.result(check)
    if result is None:
        return ""
    sign = _SIGNS[result.verdict]
    return f"[{sign}](#{_anchor(check)})" if result.verdict in _TOLD else sign


def _anchor(check: str) -> str:
    return f"seen-{check.replace('.', '-')}"


def _seen(columns: Sequence[Column]) -> Iterator[str]:
    """Give, for each check that did not simply pass, what was seen where."""
    told = [check for profile in PROFILES for check in _checks(columns, profile)]
    found = {check: [(c, r) for c in columns if (r := c.result(check)) and r.verdict in _TOLD] for check in told}
    if any(found.values()):
        yield "## What was seen"
        yield ""
    for check, results in found.items():
        if not results:
            continue
        first = results[0][1]
        yield f'### <a id="{_anchor(check)}"></a>`{check}`'
        yield ""
        yield f"{escape(first.title)}."
        yield ""
        yield from (f"> {id}: {escape(text)}" for id, text in {r.requirement: r.sentence for _, r in results}.items())
        yield ""
        for column, result in results:
            yield f"- **{escape(column.name)}, {column.wire}**: {result.verdict}: {escape(_short(result.message))}"
            if result.expected or result.actual:
                yield f"    - expected: {escape(_short(result.expected))}"
                yield f"    - actual: {escape(_short(result.actual))}"
            if result.control:
                yield f"    - control arm: {escape(_short(result.control))}"
        yield ""


def _short(text: str) -> str:
    text = one_line(text)
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"
