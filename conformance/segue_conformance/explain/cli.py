"""The command `segue explain`: an id of the specification or the suite, or the file of a store or a transcript."""

from __future__ import annotations

import os
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
@click.argument("ids", nargs=-1, required=True, metavar="ID…|PATH")
@click.option(
    "--report",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A JSON report to look into as well for who breaks it; repeatable.",
)
@click.option("--history", metavar="NAME", help="Of a store or transcript: what the model saw in this turn.")
@click.option("--no-run", is_flag=True, help="Perform no check in memory for an example of it kept and broken.")
@click.option("--no-color", is_flag=True, help="No colours; NO_COLOR does the same.")
def explain(ids: tuple[str, ...], paths: tuple[Path, ...], history: str | None, no_run: bool, no_color: bool) -> None:
    """Explain a requirement (SEG-CONT-012), a check, an error code, or a store or transcript by its path.

    Tells the sentence and why it is there, what proves it, what it looks like kept and broken, and who is known to
    break it. It needs no endpoint: what is shown is performed in memory.

    Of the SQLite store of a gateway (state.db), also while it is used, and of a transcript of segue check it tells
    turn by turn what was sent, what was saved against a resend in full, and what the model wrote, without a word of
    content. --history NAME writes what the model saw in a turn: the context, and each item.
    """
    stores = [_path(id) for id in ids]
    if any(stores):
        if len(ids) > 1 or stores[0] is None:
            raise click.UsageError("a file is explained alone: name one, and no ids beside it")
        _tell_store(stores[0], history)
        return
    if history is not None:
        raise click.UsageError("--history is about a store or a transcript: name its file")
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


def _path(id: str) -> str | None:
    """Return the file that is meant, None for an id."""
    if id.startswith("sqlite:"):
        return id.removeprefix("sqlite:").partition("?")[0]
    return id if os.sep in id or Path(id).is_file() else None


def _tell_store(path: str, history: str | None) -> None:
    from segue_gateway.explaining import effective, told
    from segue_gateway.stores.sqlite.looking import Unusable, look

    from ..transcript.reading import NotATranscript
    from .recorded import recorded

    try:
        kept = recorded(Path(path)) if _is_transcript(path) else look(path)
    except (NotATranscript, Unusable) as error:
        raise click.UsageError(str(error)) from None
    lines = told(kept) if history is None else effective(kept, history)
    if lines is None:
        raise click.UsageError(f"{path} holds no turn and no continuation {history!r}")
    for line in lines:
        click.echo(line)


def _is_transcript(path: str) -> bool:
    """Return whether a file begins as a transcript does; a database does not."""
    try:
        with open(path, "rb") as file:
            return file.read(1) == b"{"
    except OSError:
        return False  # whoever reads it says why
