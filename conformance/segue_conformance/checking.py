"""Checks one endpoint as it was asked for: finds it, says what will run, runs it, tells it, writes the reports."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text
from segue_adapters.errors import LocalProtocolError, SegueError, TransportError

from . import requirements
from .arguments import Arguments, settings_of
from .baseline import read_baseline, skeleton
from .embedded import embedded
from .estimate import estimate
from .halves import parts_of, run_halved
from .preparation import Prepared, prepare
from .quick import UNSEEN
from .redaction import Redactor, secrets_of, shown_url
from .registry import Catalogue, Check
from .reports import html, json_report, junit, markdown
from .reports.console import console_for
from .reports.head import print_head, print_plan
from .reports.progress import progress_for
from .reports.terminal import print_contact, print_report
from .results import ContactFault, Report, Target
from .runner import SuiteFault, plan, run_prepared, select, suite_version
from .settings import Settings
from .transcript.writing import Transcript

__all__ = ["check_endpoint", "worst", "write_reports"]

# Short enough to be waited for, and bounds that can be reached: the rules are the same at any pace.
_EMBEDDED = (
    "--heartbeat-ms=60", "--slow-ms=130", "--grace-ms=0", "--lanes=4", "--lane-queue=4",
    f"--message-bytes={256 * 1024}",
)  # fmt: skip
#: The suite and the endpoint are two processes: side by side neither waits for the other, nor for a slow answer.
_EMBEDDED_CONCURRENCY = 4
#: The model that the reference endpoint serves.
_EMBEDDED_MODEL = "scripted"
#: Exit codes, the gravest first; nothing wrong comes last.
_GRAVEST = (4, 1, 3, 5, 0)


def worst(codes: Sequence[int]) -> int:
    """Return the exit code of several endpoints: the gravest of theirs."""
    return min(codes, key=_GRAVEST.index, default=0)


def check_endpoint(arguments: Arguments, catalogue: Catalogue, console: Console, debug: bool) -> tuple[int, bool]:
    """Check what was asked for and tell it; return the exit code, and whether it was interrupted."""
    if arguments.url is not None:
        return _run(settings_of(arguments), arguments, catalogue, console, debug)
    with embedded(*_EMBEDDED) as endpoint:
        settings = Settings(
            url=endpoint.url,
            wires=arguments.wires,
            model=arguments.model or _EMBEDDED_MODEL,
            api_key=endpoint.first_key,
            second_api_key=endpoint.second_key,
            timeout=arguments.timeout,
            max_requests=arguments.max_requests,
            max_tokens=arguments.max_tokens,
            max_seconds=arguments.max_seconds,
            rate=arguments.rate,
            concurrency=arguments.concurrency or _EMBEDDED_CONCURRENCY,
        )
        return _run(settings, arguments, catalogue, console, debug)


def _run(
    settings: Settings, arguments: Arguments, catalogue: Catalogue, console: Console, debug: bool
) -> tuple[int, bool]:
    try:
        prepared = prepare(settings)
    except LocalProtocolError as error:
        raise click.UsageError(str(error)) from None
    except SegueError as fault:
        report = _no_contact(settings, fault, arguments)
        # It is all that there is to say, so it goes where errors go.
        print_contact(console_for(sys.stderr, no_color=console.no_color), report)
        write_reports(report, arguments)
        return report.exit_code, False
    work = _planned(prepared, arguments, catalogue)
    second_key = settings.second_api_key is not None
    print_head(
        console,
        suite=suite_version(),
        spec=requirements.load().spec,
        target=prepared.target,
        work=work,
        cost=estimate(work, second_key=second_key),
        document=prepared.document,
        quick=arguments.quick,
    )
    if arguments.dry_run:
        print_plan(console, work, second_key=second_key)
        return 0, False
    report = _perform(prepared, work, arguments, catalogue, console, debug)
    print_report(console, report)
    if arguments.transcript is not None:
        again = shlex.join(["segue", "regrade", arguments.transcript])
        console.print(Text(f"  transcript {arguments.transcript}; `{again}` grades it again", "dim"), soft_wrap=True)
    if arguments.quick:
        console.print(Text(f"  That was a quick look. Not looked at: {UNSEEN}.", "dim"))
    write_reports(report, arguments)
    return report.exit_code, report.interrupted


def _planned(prepared: Prepared, arguments: Arguments, catalogue: Catalogue) -> list[tuple[Check, str]]:
    wires = [wire.wire for wire in prepared.target.wires]
    chosen = select(catalogue, profiles=arguments.profiles, only=arguments.only, quick=arguments.quick)
    return plan(chosen, wires, catalogue)


def _perform(
    prepared: Prepared,
    work: Sequence[tuple[Check, str]],
    arguments: Arguments,
    catalogue: Catalogue,
    console: Console,
    debug: bool,
) -> Report:
    details: list[str] = []
    halves = parts_of(work) if _is_whole(arguments) else None
    with progress_for(console, work) as progress, _transcript(prepared, arguments) as transcript:
        if halves is not None:
            report = run_halved(
                prepared, catalogue, work, halves, progress=progress, rerun=arguments.rerun, details=details
            )
        else:
            report = run_prepared(
                prepared,
                catalogue,
                profiles=arguments.profiles,
                only=arguments.only,
                quick=arguments.quick,
                progress=progress,
                rerun=arguments.rerun,
                details=details,
                # The reference endpoint ends with the run, and all that it keeps with it.
                cleanup=arguments.url is not None,
                transcript=transcript,
                dialect=arguments.dialect,
                baseline=None if arguments.baseline is None else read_baseline(arguments.baseline),
            )
    if debug:
        for detail in filter(None, details):
            click.echo(Redactor(secrets_of(prepared.settings)).text(detail), err=True)
    return report


def _is_whole(arguments: Arguments) -> bool:
    """Return whether a run is one on the reference endpoint with nothing chosen, counted or written down."""
    plain = Arguments(dry_run=arguments.dry_run, model=arguments.model, timeout=arguments.timeout)
    kept = ("json_path", "junit_path", "html_path", "markdown_path", "write_baseline", "wires")
    return arguments == replace(plain, **{name: getattr(arguments, name) for name in kept})


@contextlib.contextmanager
def _transcript(prepared: Prepared, arguments: Arguments) -> Iterator[Transcript | None]:
    """Give the transcript that was asked for, if one was."""
    if arguments.transcript is None:
        yield None
        return
    with contextlib.closing(Transcript(Path(arguments.transcript), Redactor(secrets_of(prepared.settings)))) as found:
        yield found


def _no_contact(settings: Settings, fault: SegueError, arguments: Arguments) -> Report:
    """Return the report of a run that found nobody."""
    where = fault.where if isinstance(fault, TransportError) else settings.url
    contact = ContactFault(
        wire="",
        what=fault.what if isinstance(fault, TransportError) else str(fault),
        where=shown_url(where),
        hint=fault.hint if isinstance(fault, TransportError) else "",
    )
    report = Report(
        suite=suite_version(),
        spec=requirements.load().spec,
        target=Target(url=shown_url(settings.url), model=settings.model or ""),
        started_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        duration_ms=0,
        requests=0,
        rerun=arguments.rerun,
        contact=(contact,),
        profiles=(),
        results=(),
        exit_code=3,
    )
    return Redactor(secrets_of(settings)).value(report)


def write_reports(report: Report, arguments: Arguments) -> None:
    """Write the reports that were asked for; raises SuiteFault where one can't be written any more."""

    def baseline(report: Report) -> str:
        return skeleton(report, None if arguments.baseline is None else read_baseline(arguments.baseline))

    for path, render in (
        (arguments.json_path, json_report.render),
        (arguments.junit_path, junit.render),
        (arguments.html_path, html.render),
        (arguments.markdown_path, markdown.render),
        (arguments.write_baseline if report.results else None, baseline),
    ):
        if path is None:
            continue
        text = render(report)
        if path == "-":
            sys.stdout.write(text)
            sys.stdout.flush()
            continue
        try:
            Path(path).write_text(text, encoding="utf-8")
        except OSError as error:
            raise SuiteFault(f"the report could not be written to {path}: {error.strerror or error}") from None
