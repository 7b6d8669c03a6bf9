"""What is asked of `segue check` for one endpoint, and the settings that follow from it.

Each mistake is a `click.UsageError` (exit code 2) that says what was expected; `verification.py` finds those that show
before anything is sent.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from .redaction import shown_url
from .settings import Settings

__all__ = ["TIMEOUT", "Arguments", "settings_of"]

#: Seconds that a turn may take.
TIMEOUT = 30.0
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: What the suite itself has to say in a create: another value would make another check of each.
_OURS = {
    "type": "", "input": "", "previous_response_id": "", "conversation": "", "stream": "", "stream_id": "", "store": "",
    "generate": "", "background": "", "base": "", "patch": "", "instructions": "", "tools": "", "model": "give --model",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Arguments:
    """The options of one call for one endpoint, as they were written; `name` is the endpoint's in a config file."""

    url: str | None = None
    name: str = ""
    config_path: str | None = None
    wires: tuple[str, ...] = ()
    model: str | None = None
    api_key_env: str | None = None
    second_api_key_env: str | None = None
    headers: tuple[str, ...] = field(default=(), repr=False)
    extra_body: str | Mapping[str, Any] | None = None
    ca_file: str | None = None
    insecure: bool = False
    proxy_loopback: bool = False
    profiles: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    quick: bool = False
    dry_run: bool = False
    timeout: float = TIMEOUT
    max_requests: int | None = None
    max_tokens: int | None = None
    max_seconds: float | None = None
    rate: float | None = None
    concurrency: int | None = None
    dialect: str | None = None
    baseline: str | None = None
    write_baseline: str | None = None
    transcript: str | None = None
    json_path: str | None = None
    junit_path: str | None = None
    html_path: str | None = None
    markdown_path: str | None = None

    @property
    def outputs(self) -> dict[str, str]:
        """The files that will be written, by their options."""
        paths = {
            "--json": self.json_path,
            "--junit": self.junit_path,
            "--html": self.html_path,
            "--markdown": self.markdown_path,
            "--write-baseline": self.write_baseline,
            "--transcript": self.transcript,
        }
        return {option: path for option, path in paths.items() if path is not None}

    @property
    def rerun(self) -> str:
        """The command line that does the same again, without `--wire`, `--only` and reports; secrets are left out."""
        words = ["segue", "check"]
        if self.config_path is not None:
            return shlex.join([*words, "--config", self.config_path, self.name])
        if self.url is not None:
            words.append(shown_url(self.url))
        for option, value in (
            ("--model", self.model),
            ("--api-key-env", self.api_key_env),
            ("--second-api-key-env", self.second_api_key_env),
            ("--extra-body", json.dumps(self.extra_body) if isinstance(self.extra_body, dict) else self.extra_body),
            ("--ca-file", self.ca_file),
            ("--dialect", self.dialect),
            ("--baseline", self.baseline),
            ("--timeout", f"{self.timeout:g}" if self.timeout != TIMEOUT else None),
            ("--rate", f"{self.rate:g}" if self.rate is not None else None),
            ("--concurrency", str(self.concurrency) if self.concurrency else None),
        ):
            if value is not None:
                words += [option, str(value)]
        for header in self.headers:
            words += ["--header", f"{header.partition(':')[0]}: …"]
        words += ["--insecure"] if self.insecure else []
        words += ["--proxy-loopback"] if self.proxy_loopback else []
        return shlex.join(words)


def settings_of(arguments: Arguments) -> Settings:
    """Return the settings of a run on a URL; raises UsageError for keys, headers and members that are none."""
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
        max_tokens=arguments.max_tokens,
        max_seconds=arguments.max_seconds,
        rate=arguments.rate,
        concurrency=arguments.concurrency or 1,
        headers=_headers(arguments.headers),
        verify=not arguments.insecure,
        ca_file=arguments.ca_file,
        proxy_loopback=arguments.proxy_loopback,
        extra_body=_extra_body(arguments.extra_body),
    )


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


def _extra_body(written: str | Mapping[str, Any] | None) -> Mapping[str, Any]:
    if written is None:
        return {}
    members: Any = written
    if isinstance(written, str):
        try:
            members = json.loads(written)
        except ValueError as error:
            raise click.UsageError(f"--extra-body is no JSON: {error}") from None
    if not isinstance(members, Mapping):
        raise click.UsageError('--extra-body is a JSON object, such as \'{"reasoning": {"effort": "low"}}\'')
    for name in members:
        if name in _OURS:
            hint = f": {_OURS[name]}" if _OURS[name] else ": the checks themselves say what it is"
            raise click.UsageError(f"--extra-body can't set `{name}`{hint}")
    return members
