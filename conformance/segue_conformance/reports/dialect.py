"""The two lines of the terminal report that tell the specification and a vendor's documents apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from ..results import DialectLine, DialectResult, Report
from ..verdicts import Verdict
from .console import safe

__all__ = ["two_lines"]


def two_lines(report: Report) -> Iterator[Text]:
    """Give a line for the specification, one for what the vendor documents, and what is between them."""
    dialect = report.dialect
    if dialect is None:
        return
    failed, warned = len(report.of(Verdict.FAIL)), len(report.of(Verdict.WARN))
    unjudged = len(report.of(Verdict.UNTESTABLE, Verdict.INCONCLUSIVE, Verdict.ERROR))
    yield _line("specification", failed, warned, unjudged, len(report.of(Verdict.PASS)))
    yield _line(dialect.title, *_tally(dialect))
    for line, wires in _grouped(dialect.deviations):
        yield Text.assemble("  otherwise than documented: ", (line.check, "bold"), (f"  {', '.join(wires)}", "dim"))
    for line, wires in _grouped(dialect.beyond):
        how = "documented otherwise" if line.says == "otherwise" else "the specification's alone"
        head = Text.assemble(f"  {how}: ", (line.check, "bold"), (f"  {', '.join(wires)}  ", "dim"))
        yield head.append_text(safe(f"{line.text} {line.document}", "dim"))


def _tally(dialect: DialectResult) -> tuple[int, int, int, int]:
    failed = sum(line.verdict == "fail" for line in dialect.deviations)
    return failed, len(dialect.deviations) - failed, len(dialect.open), dialect.passed


def _line(name: str, failed: int, warned: int, unjudged: int, passed: int) -> Text:
    counts = [(failed, "failed"), (warned, "warned"), (unjudged, "not judged"), (passed, "passed")]
    told = ", ".join(f"{count} {word}" for count, word in counts if count) or "nothing was checked"
    if failed or warned:
        state, style = "deviates", "bold red" if failed else "yellow"
    elif unjudged or not passed:
        state, style = "not proved", "yellow"
    else:
        state, style = "conforms", "bold green"
    return Text.assemble((f"{name}: ", "bold"), (state, style), f" ({told})")


def _grouped(lines: Sequence[DialectLine]) -> Iterator[tuple[DialectLine, list[str]]]:
    """Yield each check once, with its wires."""
    found: dict[tuple[str, str], tuple[DialectLine, list[str]]] = {}
    for line in lines:
        found.setdefault((line.check, line.text), (line, []))[1].append(line.wire)
    yield from found.values()
