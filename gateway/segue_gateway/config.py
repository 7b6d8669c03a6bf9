"""The config file of `segue serve`: TOML, its keys the names of the options.

    port = 8443
    store = "sqlite:state.db"
    upstream = "https://api.example/v1"
    upstream-key-env = "PROVIDER_KEY"

    [key]
    alice = "ALICE_KEY"

Keys and passwords are only ever named, by the environment variable that holds them. A file is meant from its own
folder. What is wrong with it is said in one sentence, with the line, and nothing of the value that may be a secret.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from .options import ConfigFile, Setting

__all__ = ["read_config"]


def read_config(ctx: click.Context, path: str) -> None:
    """Make what a file says the defaults of a command's options; UsageError with the line and what to do."""
    text, document = _parsed(path)
    file = ConfigFile(path, _lines(text))
    known = {one.key: one for one in ctx.command.params if isinstance(one, Setting) and not one.on_the_line}
    given: dict[str, Any] = {}
    for key, value in document.items():
        setting = known.get(key)
        if setting is None or setting.name is None:
            raise click.UsageError(f"{file.place(key)}: there is no such option{_nearest(key, known)}")
        try:
            _check_open(setting, value)
            given[setting.name] = setting.read(value, Path(path).parent)
        except TypeError as wanted:
            raise click.UsageError(f"{file.place(key)} wants {wanted}") from None
    ctx.default_map = given
    file.keep(ctx)


def _parsed(path: str) -> tuple[str, Mapping[str, Any]]:
    try:
        text = Path(path).read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except OSError as error:
        raise click.UsageError(f"--config: {path} can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"--config: {path} is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise click.UsageError(f"--config: {path} is no TOML: {error}") from None


def _lines(text: str) -> dict[str, int]:
    """Return the line of each key at the top, where it can be seen: the parser does not tell."""
    lines: dict[str, int] = {}
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if found := re.match(r"""\s*\[\s*["']?([\w-]+)""", line):
            inside = True
            lines.setdefault(found[1], number)
        elif not inside and (found := re.match(r"""\s*["']?([\w-]+)["']?\s*[.=]""", line)):
            lines.setdefault(found[1], number)
    return lines


def _check_open(setting: Setting, value: object) -> None:
    """Refuse a password in an address: a file is copied, committed and shown; TypeError, which says the way out."""
    if setting.key not in ("store", "upstream") or not isinstance(value, str):
        return
    try:
        password = urlsplit(value).password
    except ValueError:
        return  # no address at all; whoever opens it says so
    if password is not None:
        way = "?password-env=VAR behind it" if setting.key == "store" else "upstream-key-env"
        raise TypeError(f"an address without a password: name the variable that holds it, by {way}")


def _nearest(key: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(key.replace("_", "-"), known, n=1)
    return f"; did you mean '{close[0]}'?" if close else "; `segue serve --help` lists them, here without the dashes"
