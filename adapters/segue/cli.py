"""The command line's front door: `segue COMMAND`.

Commands are named here and loaded only when they are run, so `segue --help` costs no import of theirs, and this
package imports nothing of what lies above it. Not entry points: to look for these costs as much as all the rest.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple

import click

__all__ = ["COMMANDS", "Entry", "FrontDoor", "main"]


class Entry(NamedTuple):
    """A command: where it is, its line in the list, and the extra that it needs."""

    module: str
    name: str
    line: str
    extra: str


COMMANDS: Mapping[str, Entry] = {
    "bindings": Entry("segue_bindings.cli", "bindings", "Generate client bindings from the schemas.", "bindings"),
    "check": Entry("segue_conformance.cli", "check", "Check an endpoint for stateful continuation.", "check"),
    "check-client": Entry(
        "segue_conformance.client_side.cli",
        "check_client",
        "Check an agent on an endpoint with faults.",
        "check",
    ),
    "explain": Entry(
        "segue_conformance.explain.cli",
        "explain",
        "Explain a requirement, a check, an error code, a store or a transcript.",
        "check",
    ),
    "matrix": Entry(
        "segue_conformance.matrix",
        "matrix",
        "Compare reports: a Markdown page of checks by endpoint and wire.",
        "check",
    ),
    "regrade": Entry(
        "segue_conformance.transcript.cli",
        "regrade_command",
        "Grade a recording with today's checks: no request, no tokens.",
        "check",
    ),
    "selftest": Entry(
        "segue_conformance.selftest.cli",
        "selftest",
        "Prove the checks on endpoints with a fault each.",
        "check",
    ),
    "serve": Entry("segue_gateway.cli", "serve", "Serve the reference endpoint, all wires on one port.", "gateway"),
}


#: What comes with every installation: where one of these is missing, no extra brings it.
_OURS = (
    "segue", "segue_adapters", "segue_bench", "segue_bindings", "segue_conformance", "segue_gateway", "segue_schemas",
)  # fmt: skip


class FrontDoor(click.Group):
    """A group whose commands are loaded when they are run."""

    def __init__(self) -> None:
        super().__init__(
            name="segue",
            help="Segue: stateful continuation between AI agents and model endpoints.",
            epilog="`segue COMMAND --help` tells more of each.",
            params=[
                click.Option(
                    ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=_show_version,
                    help="Show the version and exit.",
                )
            ],
        )  # fmt: skip

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, loading none."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command; one that can't be loaded becomes a command that says what to install."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        try:
            loaded = getattr(import_module(entry.module), entry.name)
        except ImportError as error:
            return _missing(cmd_name, entry.extra, error)
        return loaded if isinstance(loaded, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.line) for name, entry in sorted(COMMANDS.items())])


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib import metadata

        try:
            version = metadata.version("segue-protocol")
        except metadata.PackageNotFoundError:
            version = "unknown (not installed)"
        click.echo(f"segue {version}")
        ctx.exit()


def _missing(name: str, extra: str, error: ImportError) -> click.Command:
    ours = (error.name or "").partition(".")[0] in _OURS
    if ours:
        lacks = f"segue {name}: a part of Segue itself can't be loaded ({error}); install it anew with"
    else:
        lacks = f"segue {name} needs {error.name or error}, which is not installed; install it with"
    message = f"{lacks}\n\n  pip install {'--force-reinstall ' if ours else ''}'segue-protocol[{extra}]'\n"

    def tell() -> None:
        click.echo(message, err=True)
        raise SystemExit(4 if ours else 2)

    # Whatever options follow, what is missing is the answer to them.
    settings = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
    return click.Command(name, callback=tell, context_settings=settings)


def main() -> None:
    """Run the command line; ends the process with the command's exit code, never with a traceback."""
    try:
        FrontDoor().main(prog_name="segue")
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        click.echo(f"segue: a fault of this program: {told} (--debug, where the command has it, shows more)", err=True)
        sys.exit(4)


if __name__ == "__main__":
    main()
