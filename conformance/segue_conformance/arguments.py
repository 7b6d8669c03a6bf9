"""What is asked of `segue check`, and everything about it that can be wrong before anything is sent.

Each mistake is a `click.UsageError` (exit code 2) that says what was expected.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import click

from .profiles import REACHABLE
from .redaction import shown_url
from .registry import WIRES, Catalogue
from .settings import Settings

__all__ = ["SCHEMES", "TIMEOUT", "Arguments", "settings_of", "verify"]

SCHEMES = ("http", "https", "ws", "wss", "segue+http", "segue+https", "segue+ws", "segue+wss")
#: Seconds that a turn may take.
TIMEOUT = 30.0
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class Arguments:
    """The options of one call, as they were written."""

    url: str | None = None
    wires: tuple[str, ...] = ()
    model: str | None = None
    api_key_env: str | None = None
    second_api_key_env: str | None = None
    profiles: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    timeout: float = TIMEOUT
    max_requests: int | None = None
    concurrency: int | None = None
    json_path: str | None = None
    junit_path: str | None = None
    insecure: bool = False
    headers: tuple[str, ...] = field(default=(), repr=False)

    @property
    def rerun(self) -> str:
        """The command line that does the same again, without `--wire`, `--only` and reports; secrets are left out."""
        words = ["segue", "check"]
        if self.url is not None:
            words.append(shown_url(self.url))
        for option, value in (
            ("--model", self.model),
            ("--api-key-env", self.api_key_env),
            ("--second-api-key-env", self.second_api_key_env),
            ("--timeout", f"{self.timeout:g}" if self.timeout != TIMEOUT else None),
            ("--concurrency", str(self.concurrency) if self.concurrency else None),
        ):
            if value is not None:
                words += [option, value]
        for header in self.headers:
            words += ["--header", f"{header.partition(':')[0]}: …"]
        if self.insecure:
            words.append("--insecure")
        return shlex.join(words)


def verify(arguments: Arguments, catalogue: Catalogue) -> None:
    """Raise UsageError for whatever is wrong with the arguments by themselves."""
    _verify_url(arguments)
    for pattern in arguments.only:
        _verify_pattern(pattern, catalogue)
    wires = arguments.wires or WIRES
    for profile in arguments.profiles:
        if not any(profile in REACHABLE[wire] for wire in wires):
            able = ", ".join(wire for wire in WIRES if profile in REACHABLE[wire])
            raise click.UsageError(f"--profile {profile} can't be reached on {', '.join(wires)} (on {able} it can)")
        if not any(check.profile == profile for check in catalogue):
            raise click.UsageError(f"--profile {profile}: this suite has no check of it yet")
        if profile == "isolated" and arguments.url is not None and arguments.second_api_key_env is None:
            raise click.UsageError("--profile isolated needs a key of another principal: give --second-api-key-env VAR")
    _verify_outputs(arguments)


def settings_of(arguments: Arguments) -> Settings:
    """Return the settings of a run on a URL; raises UsageError for keys and headers that are none."""
    assert arguments.url is not None
    key = _key("--api-key-env", arguments.api_key_env)
    second = _key("--second-api-key-env", arguments.second_api_key_env)
    if second is not None and second == key:
        raise click.UsageError("the second key is the first one again; isolation is between two principals")
    return Settings(
        url=arguments.url,
        wires=arguments.wires,
        model=arguments.model,
        api_key=key,
        second_api_key=second,
        timeout=arguments.timeout,
        max_requests=arguments.max_requests,
        concurrency=arguments.concurrency or 1,
        headers=_headers(arguments.headers),
        verify=not arguments.insecure,
    )


def _verify_url(arguments: Arguments) -> None:
    if arguments.url is None:
        for option, given in (
            ("--api-key-env", arguments.api_key_env),
            ("--second-api-key-env", arguments.second_api_key_env),
            ("--header", arguments.headers),
            ("--insecure", arguments.insecure),
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


def _verify_pattern(pattern: str, catalogue: Catalogue) -> None:
    if any(check.matches(pattern) for check in catalogue):
        return
    near = difflib.get_close_matches(pattern, [check.id for check in catalogue], n=2, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else "; `segue check --list` shows them all"
    raise click.UsageError(f"--only {pattern!r} matches no check{hint}")


def _verify_outputs(arguments: Arguments) -> None:
    if arguments.json_path is not None and arguments.json_path == arguments.junit_path:
        raise click.UsageError("--json and --junit can't go to the same place")
    for option, path in (("--json", arguments.json_path), ("--junit", arguments.junit_path)):
        if path is not None and path != "-":
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


def _key(option: str, variable: str | None) -> str | None:
    if variable is None:
        return None
    value = os.environ.get(variable, "").strip()
    if not value:
        raise click.UsageError(f"{option}: the environment variable {variable} is not set, or empty")
    if not value.isascii() or not value.isprintable():
        raise click.UsageError(f"{option}: what {variable} holds can't be sent in a header: it is no plain ASCII")
    return value


def _headers(written: Sequence[str]) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for header in written:
        name, colon, value = header.partition(":")
        if not colon or not _HEADER_NAME.fullmatch(name.strip()):
            # The value may be a secret, so it is not repeated.
            raise click.UsageError("--header is written 'Name: value'")
        value = value.strip()
        if not value.isascii() or not value.isprintable():
            raise click.UsageError(f"--header {name.strip()}: the value is no plain ASCII on one line")
        headers[name.strip()] = value
    return headers
