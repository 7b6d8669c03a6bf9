"""`segue check`: checks an endpoint and says which profiles it reaches.

Exit codes: `profiles.EXIT_MEANING`. Whatever happens, it ends in a sentence and never in a traceback, unless `--debug`
asks for one.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.text import Text

from .arguments import Arguments, settings_of
from .checking import check_endpoint, worst
from .config import read_config
from .embedded import EmbeddedFault
from .listing import print_list
from .options import ONLY_ON_THE_LINE, options
from .profiles import EXIT_MEANING
from .registry import Catalogue, RegistrationError
from .reports.console import console_for
from .requirements import IndexMissing
from .runner import SuiteFault, select
from .verification import verify, verify_together

__all__ = ["check", "ends_in_a_sentence"]


@click.command()
@click.argument("targets", nargs=-1, metavar="[URL]")
@options
@click.pass_context
def check(ctx: click.Context, /, targets: tuple[str, ...], **given: Any) -> None:
    """Check the endpoint at URL for stateful continuation.

    Without URL, the reference endpoint is started and checked on all its wires.

    \b
    segue check https://api.example/v1 --wire openai-ws --model NAME --api-key-env KEY
    segue check --config endpoints.toml [NAME …]

    \b
    Exit codes: 0 the profiles asked for are reached, 1 failures, 2 wrong usage,
    3 not reached or not authorised, 4 a fault of the suite, 5 not everything
    could be proved. Asked for is what --profile says, or else all that the
    endpoint offers, the wire has a place for and the keys can test. Of several
    endpoints the worst counts.
    """  # fmt: skip
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    with ends_in_a_sentence("segue check", given["debug"]):
        runs = _runs(ctx, targets, given)
        # Where a report takes standard output, what people read goes beside it.
        taken = any("-" in arguments.outputs.values() for arguments in runs)
        console = console_for(sys.stderr if taken else sys.stdout, no_color=given["no_color"])
        catalogue = Catalogue.load()
        for arguments in runs:
            verify(arguments, catalogue)
        verify_together(runs)
        if given["list_only"]:
            asked = runs[0]
            chosen = select(catalogue, profiles=asked.profiles, only=asked.only, quick=asked.quick)
            print_list(console, chosen, asked)
            return
        code = _check(runs, catalogue, console, given["debug"])
    sys.exit(code)


def _runs(ctx: click.Context, targets: Sequence[str], given: dict[str, Any]) -> list[Arguments]:
    """Return what is asked for, an endpoint each."""
    own = {name: value for name, value in given.items() if name not in ONLY_ON_THE_LINE}
    if given["config_path"] is None:
        if len(targets) > 1:
            words = " ".join(targets[1:])
            raise click.UsageError(f"unexpected extra argument ({words}); several endpoints stand in a file: --config")
        return [Arguments(url=targets[0] if targets else None, dry_run=given["dry_run"], **own)]
    written = {name: v for name, v in own.items() if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT}
    return read_config(ctx, given["config_path"], targets, {**written, "dry_run": given["dry_run"]})


def _check(runs: Sequence[Arguments], catalogue: Catalogue, console: Console, debug: bool) -> int:
    """Check each endpoint, and return the worst exit code."""
    for arguments in runs:
        if arguments.url is not None:
            settings_of(arguments)  # a key that is not set must not show only when the others have run
    codes: dict[str, int] = {}
    for arguments in runs:
        if len(runs) > 1:
            console.rule(Text(arguments.name, "bold"), style="bold")
        codes[arguments.name], interrupted = check_endpoint(arguments, catalogue, console, debug)
        if interrupted:
            break
        if len(runs) > 1:
            console.print()
    if len(runs) > 1:
        _print_together(console, runs, codes)
    return worst([*codes.values()])


def _print_together(console: Console, runs: Sequence[Arguments], codes: dict[str, int]) -> None:
    """Say in one line each what came of several endpoints."""
    console.rule(Text("All endpoints", "bold"), style="bold")
    for arguments in runs:
        code = codes.get(arguments.name)
        told = "not begun" if code is None else f"exit code {code}: {EXIT_MEANING[code]}"
        console.print(Text.assemble((f"  {arguments.name}  ", "bold"), told), soft_wrap=True)


@contextlib.contextmanager
def ends_in_a_sentence(command: str, debug: bool) -> Iterator[None]:
    """End a command in a sentence whatever goes wrong."""

    def end(code: int, message: str, *, details: str = "", hint: str = "") -> None:
        if details:
            click.echo(details, err=True)
        click.echo(f"{command}: {message}" + (f" ({hint})" if hint and not details else ""), err=True)
        sys.exit(code)

    try:
        yield
    except (click.ClickException, click.exceptions.Exit, SystemExit):
        raise
    except KeyboardInterrupt:
        end(5, "interrupted before any check ran")
    except EmbeddedFault as error:
        end(4, str(error), details=error.output if debug else "")
    except (SuiteFault, RegistrationError, IndexMissing) as error:
        told = getattr(error, "details", "")
        end(4, f"a fault of the suite: {error}", details=told if debug else "", hint="--debug shows more")
    except Exception as error:
        told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        end(4, f"a fault of the suite: {told}", details=traceback.format_exc() if debug else "")
