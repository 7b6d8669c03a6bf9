"""The command `segue explain`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..mutants import load
from ..registry import Catalogue, Check
from ..reports.console import console_for
from ..requirements import Requirement
from ..results import NotAReport
from .known import reports
from .subjects import find, near
from .telling import Teller, tell_check, tell_code, tell_requirement

__all__ = ["explain"]


@click.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@click.option(
    "--report",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A JSON report to look into as well for who breaks it; repeatable.",
)
@click.option("--no-run", is_flag=True, help="Perform no check in memory for an example of it kept and broken.")
@click.option("--no-color", is_flag=True, help="No colours; NO_COLOR does the same.")
def explain(ids: tuple[str, ...], paths: tuple[Path, ...], no_run: bool, no_color: bool) -> None:
    """Explain a requirement (SEG-CONT-012), a check or an error code.

    Tells the sentence and why it is there, what proves it, what it looks like kept and broken, and who is known to
    break it. It needs no endpoint: what is shown is performed in memory.
    """
    catalogue = Catalogue.load()
    found = [(id, find(id, catalogue)) for id in ids]
    for id, subject in found:
        if subject is None:
            alike = near(id, catalogue)
            hint = f"; did you mean {' or '.join(alike)}?" if alike else "; `segue check --list` shows the checks"
            raise click.UsageError(f"{id!r} is no requirement, no check and no error code{hint}")
    try:
        targets = reports(paths)
    except OSError as error:
        raise click.UsageError(f"--report: can't read {error.filename}: {error.strerror}") from None
    except NotAReport as error:
        raise click.UsageError(f"--report: no report of segue check: {error}") from None
    console = console_for(sys.stdout, no_color=no_color)
    teller = Teller(console, catalogue, load(), targets, staging=not no_run)
    for place, (_, subject) in enumerate(found):
        if place:
            console.print()
        match subject:
            case Requirement():
                tell_requirement(teller, subject)
            case Check():
                tell_check(teller, subject)
            case _:
                assert subject is not None
                tell_code(teller, subject)
