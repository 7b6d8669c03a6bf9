"""Finds what is wrong with the arguments of a call before anything is sent: UsageErrors, exit code 2."""

from __future__ import annotations

import difflib
import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import click
from segue_adapters.errors import LocalProtocolError
from segue_adapters.transports.proxies import proxy_for

from . import dialects
from .arguments import Arguments
from .baseline import BaselineFault, read_baseline
from .profiles import REACHABLE
from .registry import EVERY_WIRE, Catalogue
from .runner import select

__all__ = ["SCHEMES", "verify", "verify_choice", "verify_together"]

SCHEMES = ("http", "https", "ws", "wss", "segue+http", "segue+https", "segue+ws", "segue+wss")


def verify(arguments: Arguments, catalogue: Catalogue) -> None:
    """Raise UsageError for whatever is wrong with the arguments by themselves."""
    _verify_url(arguments)
    _verify_connection(arguments)
    verify_choice(arguments, catalogue)


def verify_choice(arguments: Arguments, catalogue: Catalogue) -> None:
    """Raise UsageError for what is wrong with the checks that are chosen, and with the files that are named."""
    for pattern in arguments.only:
        _verify_pattern(pattern, catalogue)
    wires = arguments.wires or EVERY_WIRE
    for profile in arguments.profiles:
        if not any(profile in REACHABLE[wire] for wire in wires):
            able = ", ".join(wire for wire in EVERY_WIRE if profile in REACHABLE[wire])
            raise click.UsageError(f"--profile {profile} can't be reached on {', '.join(wires)} (on {able} it can)")
        if not any(check.profile == profile for check in catalogue):
            raise click.UsageError(f"--profile {profile}: this suite has no check of it yet")
        if profile == "isolated" and arguments.url is not None and arguments.second_api_key_env is None:
            raise click.UsageError("--profile isolated needs a key of another principal: give --second-api-key-env VAR")
    _verify_selection(arguments, catalogue)
    _verify_dialect(arguments)
    if arguments.transcript == "-":
        raise click.UsageError("--transcript wants the name of a file")
    _verify_baseline(arguments)
    _verify_outputs(arguments)


def verify_together(runs: Sequence[Arguments]) -> None:
    """Raise UsageError where two endpoints of one call would write the same file."""
    taken: dict[str, str] = {}
    for arguments in runs:
        for option, path in arguments.outputs.items():
            place = path if path == "-" else str(Path(path).resolve())
            if place in taken:
                raise click.UsageError(
                    f"{option}: {taken[place]} and {arguments.name} can't go to the same place ({path}); "
                    f"write {{name}} in it, or give each endpoint its own in the config file"
                )
            taken[place] = arguments.name


def _verify_url(arguments: Arguments) -> None:
    if arguments.url is None:
        for option, given in (
            ("--api-key-env", arguments.api_key_env),
            ("--second-api-key-env", arguments.second_api_key_env),
            ("--header", arguments.headers),
            ("--extra-body", arguments.extra_body),
            ("--ca-file", arguments.ca_file),
            ("--insecure", arguments.insecure),
            ("--proxy-loopback", arguments.proxy_loopback),
        ):
            if given:
                raise click.UsageError(f"{option} is for an endpoint of yours: give its URL")
        return
    try:
        parts = urlsplit(arguments.url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise click.UsageError(f"{arguments.url!r} is no URL: {error}") from None
    if parts.scheme in SCHEMES and host:
        return
    hint = "" if parts.scheme in SCHEMES or "://" in arguments.url else f"; did you mean http://{arguments.url}?"
    raise click.UsageError(f"{arguments.url!r} is no URL of an endpoint (https://host/v1){hint}")


def _verify_connection(arguments: Arguments) -> None:
    """Look at the authorities and the proxies, which would otherwise fail in the middle of a handshake."""
    if arguments.ca_file is not None:
        if arguments.insecure:
            raise click.UsageError("--ca-file says whom to trust, and --insecure to trust anybody: give one of them")
        try:
            ssl.create_default_context(cafile=arguments.ca_file)
        except ssl.SSLError:
            raise click.UsageError(f"--ca-file: {arguments.ca_file} holds no certificate in PEM") from None
        except OSError as error:
            raise click.UsageError(f"--ca-file: can't read {arguments.ca_file}: {error.strerror or error}") from None
    if arguments.url is not None:
        try:
            proxy_for(arguments.url.removeprefix("segue+"), loopback=arguments.proxy_loopback)
        except LocalProtocolError as error:
            raise click.UsageError(str(error)) from None


def _verify_pattern(pattern: str, catalogue: Catalogue) -> None:
    if any(check.matches(pattern) for check in catalogue):
        return
    near = difflib.get_close_matches(pattern, [check.id for check in catalogue], n=2, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else "; `segue check --list` shows them all"
    raise click.UsageError(f"--only {pattern!r} matches no check{hint}")


def _verify_selection(arguments: Arguments, catalogue: Catalogue) -> None:
    """Zero checks would be no run at all, and must not look like one that went well."""
    chosen = select(catalogue, profiles=arguments.profiles, only=arguments.only, quick=arguments.quick)
    wires = {*(arguments.wires or EVERY_WIRE)}
    if any(check.wires & wires for check in chosen):
        return
    given = [("--profile", arguments.profiles), ("--only", arguments.only), ("--quick", arguments.quick)]
    options = " and ".join(option for option, value in (*given, ("--wire", arguments.wires)) if value)
    raise click.UsageError(f"{options} together leave no check to run")


def _verify_dialect(arguments: Arguments) -> None:
    if arguments.dialect is None:
        return
    spoken = dialects.load(arguments.dialect).wires
    if arguments.wires and not set(arguments.wires) & set(spoken):
        told = f"--dialect {arguments.dialect} is about {', '.join(spoken)}"
        raise click.UsageError(f"{told}, and --wire asks for others")


def _verify_baseline(arguments: Arguments) -> None:
    if arguments.baseline is not None:
        try:
            read_baseline(arguments.baseline)
        except BaselineFault as error:
            raise click.UsageError(f"--baseline: {error}") from None
    written = arguments.write_baseline
    if written == "-":
        raise click.UsageError("--write-baseline wants the name of a file")
    if written is not None and written != arguments.baseline and Path(written).exists():
        raise click.UsageError(
            f"--write-baseline: {written} is there already; give --baseline {written} too, and its reasons are kept"
        )


def _verify_outputs(arguments: Arguments) -> None:
    if arguments.dry_run and arguments.outputs:
        raise click.UsageError(f"--dry-run checks nothing, so {' and '.join(arguments.outputs)} would hold nothing")
    seen: dict[str, str] = {}
    for option, path in arguments.outputs.items():
        if path in seen:
            raise click.UsageError(f"{seen[path]} and {option} can't go to the same place")
        seen[path] = option
        if path != "-":
            _verify_writable(option, Path(path))


def _verify_writable(option: str, path: Path) -> None:
    """Open a file for writing now, so that a run is not lost for want of a place; leave it as it was."""
    existed = path.exists()
    try:
        with path.open("ab"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        raise click.UsageError(f"{option}: can't write {path}: {error.strerror or error}") from None
