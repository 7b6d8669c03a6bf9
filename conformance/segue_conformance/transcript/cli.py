"""`segue regrade`: grades a recording with today's checks, without a request."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from .. import requirements
from ..arguments import Arguments
from ..baseline import read_baseline
from ..checking import write_reports
from ..cli import ends_in_a_sentence
from ..options import regrading
from ..registry import Catalogue
from ..reports.console import console_for
from ..reports.head import print_head
from ..reports.progress import progress_for
from ..reports.terminal import print_report
from ..runner import plan, select, suite_version
from ..verification import verify_choice
from .reading import NotATranscript, Recording, read_transcript
from .regrade import prepared_of, regrade

__all__ = ["regrade_command"]


@click.command(name="regrade")
@click.argument("transcript", metavar="TRANSCRIPT")
@regrading
def regrade_command(transcript: str, no_color: bool, debug: bool, **given: Any) -> None:
    """Grade what `segue check --transcript` recorded, with today's checks.

    Nothing is sent and no tokens are spent. What a check asks today that was not
    recorded is inconclusive, never passed or failed. The exit codes are those of
    `segue check`.
    """
    arguments = Arguments(**given)
    taken = "-" in arguments.outputs.values()
    console = console_for(sys.stderr if taken else sys.stdout, no_color=no_color)
    with ends_in_a_sentence("segue regrade", debug):
        catalogue = Catalogue.load()
        verify_choice(arguments, catalogue)
        try:
            recording = read_transcript(Path(transcript))
            known = [wire["wire"] for wire in recording.head["target"]["wires"]]
            if missing := [wire for wire in arguments.wires if wire not in known]:
                raise click.UsageError(f"--wire {', '.join(missing)} was not recorded (there is {', '.join(known)})")
            code = _regrade(transcript, recording, arguments, catalogue, console, debug)
        except NotATranscript as error:
            raise click.UsageError(str(error)) from None
    sys.exit(code)


def _regrade(
    path: str, recording: Recording, arguments: Arguments, catalogue: Catalogue, console: Console, debug: bool
) -> int:
    prepared = prepared_of(recording, arguments.wires)
    chosen = select(catalogue, profiles=arguments.profiles, only=arguments.only, quick=arguments.quick)
    work = plan(chosen, [wire.wire for wire in prepared.target.wires], catalogue)
    print_head(
        console,
        suite=suite_version(),
        spec=requirements.load().spec,
        target=prepared.target,
        work=work,
        document=prepared.document,
        quick=arguments.quick,
    )
    if not recording.whole:
        console.print(Text("  The recording is cut: its last line is no whole one.", "yellow"))
    details: list[str] = []
    with progress_for(console, work) as progress:
        report = regrade(
            recording,
            catalogue,
            path=path,
            wires=arguments.wires,
            profiles=arguments.profiles,
            only=arguments.only,
            quick=arguments.quick,
            progress=progress,
            rerun=shlex.join(["segue", "regrade", path]),
            details=details,
            dialect=arguments.dialect,
            baseline=None if arguments.baseline is None else read_baseline(arguments.baseline),
        )
    if debug:
        for detail in filter(None, details):
            click.echo(detail, err=True)
    print_report(console, report)
    write_reports(report, arguments)
    return report.exit_code
