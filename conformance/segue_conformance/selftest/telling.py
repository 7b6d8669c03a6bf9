"""What a self-test says: on the terminal, and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..reports.console import safe, signs
from ..reports.wording import cut, one_line
from ..verdicts import Verdict
from .jobs import Done, Job, Run
from .judging import Failure, Outcome

__all__ = ["Progressing", "as_json", "print_outcome", "progressing"]

_TITLES = {
    "reference": "The reference endpoint is accused",
    "oddity": "Endpoints that are odd and legal are accused",
    "never_performed": "Checks that were never performed",
    "survived": "Mutants that survived",
    "survived_sockets": "Mutants that survived over real sockets",
    "extra": "Kills that no ALSO explains",
    "stale": "Entries of ALSO that catch nothing",
    "unkilled": "Checks that catch no mutant",
    "fault": "The suite's own faults",
}
_LONG = 200


class Progressing:
    """Counts jobs that are done; on a terminal by a bar, elsewhere by a line for each area."""

    def __init__(self, console: Console, jobs: list[Job], bar: Progress | None) -> None:
        self._console = console
        self._bar = bar
        self._task = bar.add_task("", total=len(jobs)) if bar is not None else None
        self._left = Counter(job.area for job in jobs)

    def done(self, one: Done) -> None:
        """Take note of a job."""
        self._left[one.job.area] -= 1
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, advance=1, description=f"{one.job.area} {one.job.name}".strip())
        elif not self._left[one.job.area]:
            self._console.print(Text(f"  {one.job.area or 'others'}: done", "dim"))


@contextmanager
def progressing(console: Console, jobs: list[Job]) -> Iterator[Progressing]:
    """Give what tells of the progress."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield Progressing(console, jobs, None)
        return
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as bar:
        yield Progressing(console, jobs, bar)


def print_outcome(console: Console, outcome: Outcome, seconds: float) -> None:
    """Print what must not be, then the sum."""
    sign = signs(console)
    for kind, title in _TITLES.items():
        failures = [failure for failure in outcome.failures if failure.kind == kind]
        if not failures:
            continue
        console.print()
        console.print(Text(f"{sign['no']} {title}", "bold red"))
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(overflow="fold")
        for failure in failures:
            table.add_row(_told(failure))
        console.print(table)
    console.print()
    chosen = outcome.selection
    killed = sum(bool(one.caught) and not one.missed for one in outcome.mutants)
    console.print(Text(f"{len(outcome.mutants)} mutants, {killed} caught by all the checks that they name"))
    if chosen.whole and outcome.reference:
        verdicts = Counter(run.verdict for run in outcome.reference)
        told = ", ".join(f"{count} {verdict.value}" for verdict, count in verdicts.items())
        console.print(Text(f"{len(chosen.checks)} checks on the reference endpoint: {told}"))
    if chosen.whole and outcome.unkilled and not chosen.full:
        console.print(Text(f"{len(outcome.unkilled)} checks that no mutant names yet", "yellow"))
    wires = ", ".join(chosen.wires)
    sockets = f", {outcome.sockets} over real sockets" if outcome.sockets else ""
    console.print(Text(f"{outcome.performed} runs in memory{sockets}, on {wires}, in {seconds:.1f} s", "dim"))
    good = outcome.exit_code == 0
    end = "the suite is sound" if good else f"{len(outcome.failures)} things are wrong with the suite"
    console.print(Text(f"{sign['yes'] if good else sign['no']} {end}", "bold green" if good else "bold red"))


def _told(failure: Failure) -> Text:
    head = " ".join(part for part in (failure.mutant, failure.check, failure.wire) if part)
    line = safe(head)
    if failure.message:
        line.append("  ")
        line.append_text(safe(cut(one_line(failure.message), _LONG), "dim"))
    return line


def as_json(outcome: Outcome, seconds: float) -> str:
    """Return the outcome as JSON: what was chosen, what was found, and what of it must not be."""
    chosen = outcome.selection
    told: dict[str, Any] = {
        "full": chosen.full,
        "wires": list(chosen.wires),
        "checks": [check.id for check in chosen.checks],
        "runs": outcome.performed,
        "runs_over_sockets": outcome.sockets,
        "seconds": round(seconds, 1),
        "exit_code": outcome.exit_code,
        "failures": [
            {name: value for name, value in _members(failure).items() if value} for failure in outcome.failures
        ],
        "unkilled": list(outcome.unkilled),
        "skipped": [_run(run) for run in outcome.reference if run.verdict is Verdict.SKIP],
        "mutants": [
            {
                "name": one.mutant.name,
                "area": one.mutant.area,
                "fault": one.mutant.fault,
                "caught": [_run(run) for run in one.caught],
                "also": [{**_run(run), "reason": one.mutant.reason(run.check, run.wire)} for run in one.also],
                "extra": [_run(run) for run in one.extra],
                "missed": [_run(run) for run in one.missed],
            }
            for one in outcome.mutants
        ],
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _members(failure: Failure) -> dict[str, str]:
    return {name: getattr(failure, name) for name in ("kind", "mutant", "check", "wire", "message")}


def _run(run: Run) -> dict[str, str]:
    return {"check": run.check, "wire": run.wire, "verdict": run.verdict.value, "message": run.message}
