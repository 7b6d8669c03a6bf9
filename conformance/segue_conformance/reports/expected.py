"""The part of the terminal report that compares a run with its baseline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rich.text import Text

from ..results import BaselineLine, Report
from .console import safe
from .wording import cut, one_line

__all__ = ["expected", "otherwise", "unexcused"]

_WORDS = {
    "unexpected": "is in no entry of the baseline",
    "stale": "stands in the baseline, and no longer holds: take the entry out",
}


def unexcused(report: Report) -> Report:
    """Return a report without the results that are as the baseline says: those need no block of their own."""
    if report.baseline is None:
        return report
    return replace(report, results=tuple(r for r in report.results if not report.excused(r)))


def otherwise(report: Report) -> Iterator[Text]:
    """Give a line for each result that is other than the baseline says."""
    lines = [] if report.baseline is None else report.baseline.of("unexpected", "changed", "stale")
    for line in lines:
        told = _WORDS.get(line.kind, f"was expected to be {line.expected}")
        now = f"{line.actual} now" if line.actual else "there is no such check any more"
        yield Text.assemble(
            (line.check, "bold red"), (f"  {line.wire}" if line.wire else "", "dim"), f"  {told} ({now})"
        )


def expected(report: Report) -> Iterator[Text]:
    """Give a line for each check that is as the baseline says, with the beginning of its reason."""
    lines = [] if report.baseline is None else report.baseline.of("expected")
    grouped: dict[tuple[str, str, str], list[BaselineLine]] = {}
    for line in lines:
        grouped.setdefault((line.check, line.actual, line.reason), []).append(line)
    for (check, verdict, reason), members in grouped.items():
        head = Text.assemble((f"{verdict:<12}", "dim"), check, (f"  {', '.join(m.wire for m in members)}  ", "dim"))
        yield head.append_text(safe(cut(one_line(reason), 100), "dim"))
