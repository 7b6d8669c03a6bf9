"""`segue check`: checks an endpoint and says which profiles it reaches.

Exit codes: `profiles.EXIT_MEANING`. Whatever happens, it ends in a sentence and never in a traceback, unless `--debug`
asks for one.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from segue_adapters.errors import LocalProtocolError, SegueError, TransportError

from . import requirements
from .arguments import TIMEOUT, Arguments, settings_of, verify
from .embedded import EmbeddedFault, embedded
from .listing import print_list
from .preparation import Prepared, prepare
from .redaction import Redactor, secrets_of, shown_url
from .registry import PROFILES, WIRES, Catalogue, RegistrationError
from .reports import json_report, junit
from .reports.console import console_for
from .reports.progress import progress_for
from .reports.terminal import print_contact, print_head, print_report
from .requirements import IndexMissing
from .results import ContactFault, Report, Target
from .runner import SuiteFault, plan, run_prepared, select, suite_version
from .settings import Settings

__all__ = ["check"]

# Short enough to be waited for, and bounds that can be reached: the rules are the same at any pace.
_EMBEDDED = (
    "--heartbeat-ms=60", "--slow-ms=130", "--grace-ms=0", "--lanes=4", "--lane-queue=4",
    f"--message-bytes={256 * 1024}",
)  # fmt: skip
#: The suite and the endpoint are two processes: side by side neither waits for the other, nor for a slow answer.
_EMBEDDED_CONCURRENCY = 6
#: The model that the reference endpoint serves.
_EMBEDDED_MODEL = "scripted"


@click.command()
@click.argument("url", required=False)
@click.option("--wire", "wires", multiple=True, type=click.Choice(WIRES), help="Wire to check; repeatable. [found out]")
@click.option("--model", metavar="NAME", help="Model to ask for.")
@click.option("--api-key-env", metavar="VAR", help="Environment variable that holds the key.")
@click.option("--second-api-key-env", metavar="VAR", help="The same, for a key of another principal.")
@click.option("--profile", "profiles", multiple=True, type=click.Choice(PROFILES), help="Profile to check; repeatable.")
@click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="Checks to run: part of an id, a glob, or a requirement id.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 3600),
    default=TIMEOUT,
    show_default=True,
    metavar="S",
    help="Seconds that a turn may take.",
)
@click.option(
    "--max-requests", type=click.IntRange(1), metavar="N", help="Budget; what it does not reach is inconclusive."
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Checks at once; 1, without a URL some. What does not pass is run again, alone.",
)
@click.option("--json", "json_path", metavar="FILE", help="Write the JSON report; - is standard output.")
@click.option("--junit", "junit_path", metavar="FILE", help="Write a JUnit XML report; - is standard output.")
@click.option("--list", "list_only", is_flag=True, help="List the checks and what they prove; needs no endpoint.")
@click.option("--insecure", is_flag=True, help="Accept any TLS certificate.")
@click.option(
    "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Header of every request; repeatable."
)
@click.option("--no-color", is_flag=True, help="No colours; NO_COLOR does the same.")
@click.option("--debug", is_flag=True, help="Show the tracebacks of the suite's own faults.")
def check(list_only: bool, no_color: bool, debug: bool, **options: Any) -> None:
    """Check the endpoint at URL for stateful continuation.

    Without URL, the reference endpoint is started and checked on all its wires.

    \b
    segue check https://api.example/v1 --wire openai-ws --model NAME --api-key-env KEY

    \b
    Exit codes: 0 the profiles asked for are reached, 1 failures, 2 wrong usage,
    3 not reached or not authorised, 4 a fault of the suite, 5 not everything
    could be proved. Asked for is what --profile says, or else all that the
    endpoint offers, the wire has a place for and the keys can test.
    """  # fmt: skip
    arguments = Arguments(**options)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    # Where a report takes standard output, what people read goes beside it.
    taken = "-" in (arguments.json_path, arguments.junit_path)
    console = console_for(sys.stderr if taken else sys.stdout, no_color=no_color)
    with _faults(debug):
        catalogue = Catalogue.load()
        verify(arguments, catalogue)
        if list_only:
            print_list(console, select(catalogue, profiles=arguments.profiles, only=arguments.only), arguments)
            return
        code = _check(arguments, catalogue, console, debug)
    sys.exit(code)


@contextlib.contextmanager
def _faults(debug: bool) -> Iterator[None]:
    """End in a sentence whatever goes wrong."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, SystemExit):
        raise
    except KeyboardInterrupt:
        _end(5, "interrupted before any check ran")
    except EmbeddedFault as error:
        _end(4, str(error), details=error.output if debug else "")
    except (SuiteFault, RegistrationError, IndexMissing) as error:
        told = getattr(error, "details", "")
        _end(4, f"a fault of the suite: {error}", details=told if debug else "", hint="--debug shows more")
    except Exception as error:
        told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        _end(4, f"a fault of the suite: {told}", details=traceback.format_exc() if debug else "")


def _end(code: int, message: str, *, details: str = "", hint: str = "") -> None:
    if details:
        click.echo(details, err=True)
    click.echo(f"segue check: {message}" + (f" ({hint})" if hint and not details else ""), err=True)
    sys.exit(code)


def _check(arguments: Arguments, catalogue: Catalogue, console: Console, debug: bool) -> int:
    """Check what was asked for, tell it, and return the exit code."""
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
            concurrency=arguments.concurrency or _EMBEDDED_CONCURRENCY,
        )
        return _run(settings, arguments, catalogue, console, debug)


def _run(settings: Settings, arguments: Arguments, catalogue: Catalogue, console: Console, debug: bool) -> int:
    try:
        prepared = prepare(settings)
    except LocalProtocolError as error:
        raise click.UsageError(str(error)) from None
    except SegueError as fault:
        report = _no_contact(settings, fault, arguments)
        # It is all that there is to say, so it goes where errors go.
        print_contact(console_for(sys.stderr, no_color=console.no_color), report)
        _write(report, arguments)
        return report.exit_code
    report, details = _perform(prepared, arguments, catalogue, console)
    if debug:
        for detail in filter(None, details):
            click.echo(Redactor(secrets_of(settings)).text(detail), err=True)
    print_report(console, report)
    _write(report, arguments)
    return report.exit_code


def _perform(
    prepared: Prepared, arguments: Arguments, catalogue: Catalogue, console: Console
) -> tuple[Report, list[str]]:
    wires = [wire.wire for wire in prepared.target.wires]
    work = plan(select(catalogue, profiles=arguments.profiles, only=arguments.only), wires, catalogue)
    print_head(
        console,
        suite=suite_version(),
        spec=requirements.load().spec,
        target=prepared.target,
        checks=len({check.id for check, _ in work}),
        runs=len(work),
    )
    details: list[str] = []
    with progress_for(console, work) as progress:
        report = run_prepared(
            prepared,
            catalogue,
            profiles=arguments.profiles,
            only=arguments.only,
            progress=progress,
            rerun=arguments.rerun,
            details=details,
        )
    return report, details


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


def _write(report: Report, arguments: Arguments) -> None:
    for path, render in ((arguments.json_path, json_report.render), (arguments.junit_path, junit.render)):
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
