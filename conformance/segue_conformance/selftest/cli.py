"""`segue selftest`: proves the suite on endpoints that are broken on purpose, in memory and offline."""

from __future__ import annotations

import os
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.text import Text

from .. import oddities
from ..mutants import load
from ..registry import EVERY_WIRE, Catalogue, RegistrationError
from ..reports.console import console_for
from ..requirements import IndexMissing
from .jobs import Done, Job, perform_all
from .judging import Outcome, judge
from .planning import IN_MEMORY, Selection, select, stages
from .telling import as_json, print_outcome, progressing

__all__ = ["selftest"]

#: More than this is no faster on the machines that this runs on: the last jobs are long.
_MOST = 4


@click.command()
@click.option(
    "--only", multiple=True, metavar="PATTERN",
    help="Mutants, oddities or checks: a name, an area, part of a check's id, a glob; repeatable.",
)  # fmt: skip
@click.option(
    "--full",
    is_flag=True,
    help="Every mutant and oddity against every check, on every wire; over sockets each mutant against those it names.",
)
@click.option("--sockets", is_flag=True, help="Over real sockets, too, each mutant against those that it names.")
@click.option("--exhaustive", is_flag=True, help="As --full, also where a check reaches nothing of a fault.")
@click.option("--wire", "wires", multiple=True, type=click.Choice(EVERY_WIRE), help="Wire to use; repeatable.")
@click.option("--json", "json_path", metavar="FILE", help="Write the result as JSON; - is standard output.")
@click.option("--jobs", type=click.IntRange(1, 64), metavar="N", help="Processes. [one a core, 4 at most]")
@click.option("--no-color", is_flag=True, help="No colours; NO_COLOR does the same.")
@click.option("--debug", is_flag=True, help="Show the tracebacks of the suite's own faults.")
def selftest(
    only: tuple[str, ...],
    full: bool,
    sockets: bool,
    exhaustive: bool,
    wires: tuple[str, ...],
    json_path: str | None,
    jobs: int | None,
    no_color: bool,
    debug: bool,
) -> None:
    """Prove that the checks can fail, and that they accuse nobody who is right.

    The reference endpoint has to pass every check; each mutant, an endpoint with one fault, has to be caught by the
    checks that it names; no check may accuse an endpoint that is odd and legal. All of it runs in memory, on a virtual
    clock, without a network; --sockets and --full look at each mutant over real sockets as well, on this machine.

    \b
    Exit codes: 0 the suite is sound, 1 it is not, 2 wrong usage, 4 a fault of
    the self-test itself.
    """  # fmt: skip
    console = console_for(sys.stderr if json_path == "-" else sys.stdout, no_color=no_color)
    try:
        full = full or exhaustive
        chosen = select(
            Catalogue.load(), load(), wires or (EVERY_WIRE if full else IN_MEMORY),
            only=only, full=full, exhaustive=exhaustive, sockets=sockets or full,
            oddities=list(oddities.load().values()),
        )  # fmt: skip
        code = _examine(console, chosen, jobs or min(_MOST, os.cpu_count() or 1), json_path, debug)
    except click.ClickException:
        raise
    except KeyboardInterrupt:
        _end(1, "interrupted")
    except (RegistrationError, IndexMissing, ValueError) as error:
        _end(4, f"a fault of the suite: {error}", traceback.format_exc() if debug else "")
    except Exception as error:
        told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        _end(4, f"a fault of the suite: {told}", traceback.format_exc() if debug else "")
    sys.exit(code)


def _examine(console: Console, chosen: Selection, processes: int, json_path: str | None, debug: bool) -> int:
    began = time.monotonic()
    if not any(stage.jobs([]) for stage in stages(chosen)):
        raise click.UsageError("--only: no check and no mutant is meant by that")
    odd = f", {len(chosen.oddities)} oddities" if chosen.oddities else ""
    checks = len(chosen.checks) if chosen.whole else 0
    console.print(Text(f"{len(chosen.mutants)} mutants, {checks} checks{odd}", "bold"))
    finished: list[Done] = []
    for stage in stages(chosen):
        jobs = stage.jobs(finished)
        if jobs:
            console.print(Text(f"{stage.title}: {sum(len(job.pairs) for job in jobs)} runs"))
            finished += _done(console, jobs, processes * stage.abreast or 1)
        if any(one.fault for one in finished):
            break  # what the harness can't do once it can't do a thousand times
    outcome, seconds = judge(chosen, finished), time.monotonic() - began
    if debug:
        for fault in outcome.faults:
            click.echo(fault, err=True)
    print_outcome(console, outcome, seconds)
    _write(outcome, seconds, json_path)
    return outcome.exit_code


def _done(console: Console, jobs: list[Job], processes: int) -> list[Done]:
    finished = []
    with progressing(console, jobs) as progress:
        for one in perform_all(jobs, processes):
            finished.append(one)
            progress.done(one)
    return finished


def _write(outcome: Outcome, seconds: float, path: str | None) -> None:
    if path == "-":
        sys.stdout.write(as_json(outcome, seconds))
    elif path is not None:
        try:
            Path(path).write_text(as_json(outcome, seconds), encoding="utf-8")
        except OSError as error:
            raise click.UsageError(f"can't write {path}: {error.strerror or error}") from None


def _end(code: int, message: str, details: str = "") -> NoReturn:
    if details:
        click.echo(details, err=True)
    click.echo(f"segue selftest: {message}", err=True)
    sys.exit(code)
