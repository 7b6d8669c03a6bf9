"""The options of `segue serve`, in one table: a flag, an environment variable and a key of the config file each.

Names are made, not written: `--cached-ms` is `SEGUE_CACHED_MS` in the environment and `cached-ms` in the file. What is
given first counts: flag, environment, file, default. The page of options is made from here too (tools/gen_operate.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from .settings import Settings

__all__ = ["GROUPS", "PREFIX", "ConfigFile", "Setting", "options"]

F = TypeVar("F", bound=Callable[..., Any])

PREFIX = "SEGUE"
_FILE = "segue.config"


class ConfigFile:
    """A file that was read: its path, and the line of each key in it."""

    def __init__(self, path: str, lines: Mapping[str, int]) -> None:
        self.path = path
        self.lines = lines

    def place(self, key: str) -> str:
        """Return where a key stands, as it is told to people."""
        line = self.lines.get(key)
        return f"{self.path}, {'' if line is None else f'line {line}, '}'{key}'"

    def keep(self, ctx: click.Context) -> None:
        """Let the options of a command know that they may come from here."""
        ctx.meta[_FILE] = self

    @staticmethod
    def of(ctx: click.Context) -> ConfigFile | None:
        """Return the file from which a command's options come, None without one."""
        found = ctx.meta.get(_FILE)
        return found if isinstance(found, ConfigFile) else None


class Setting(click.Option):
    """One option of `segue serve`. `table`: in the file `{NAME = VALUE}` too, for a repeatable NAME=VALUE.

    `on_the_line`: it is about the call, and has no place in a file. `path` turns the value of a file into one that is
    meant from the file's folder.
    """

    def __init__(
        self,
        *names: str,
        table: bool = False,
        on_the_line: bool = False,
        path: Callable[[str, Path], str] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(names, **settings)
        self.table = table
        self.on_the_line = on_the_line
        self.path = path

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return self.opts[0]

    @property
    def key(self) -> str:
        """Its name in the config file."""
        return self.flag.removeprefix("--")

    @property
    def variable(self) -> str | None:
        """Its name in the environment; None where it has none."""
        return f"{PREFIX}_{self.key.upper().replace('-', '_')}" if self.allow_from_autoenv else None

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return what the environment says; not what an orchestrator puts there for a service that is named `segue`."""
        value = super().resolve_envvar_value(ctx)
        return None if value is not None and value.startswith(("tcp://", "udp://")) else value

    def read(self, value: object, folder: Path) -> Any:
        """Return the value of a file as the command line would have it; TypeError that says what is wanted."""
        if self.multiple:
            if self.table and isinstance(value, dict) and all(isinstance(one, str) for one in value.values()):
                return [f"{name}={one}" for name, one in value.items()]
            if isinstance(value, list) and all(isinstance(one, str) for one in value):
                return value
            raise TypeError(
                "a table of strings, or a list of them as the flag takes them" if self.table else "a list of strings"
            )
        if self.is_flag:
            return _one(value, bool, "true or false")
        if isinstance(self.type, click.IntRange):
            return _one(value, int, "a whole number")
        if isinstance(self.type, click.FloatRange):
            return _one(value, (int, float), "a number")
        text = _one(value, str, "a string")
        return text if self.path is None else self.path(text, folder)

    def place(self, ctx: click.Context) -> str:
        """Return where the value that holds was given, as it is told to people."""
        source = None if self.name is None else ctx.get_parameter_source(self.name)
        file = ConfigFile.of(ctx)
        if source is ParameterSource.ENVIRONMENT:
            return f"the environment variable {self.variable}"
        if source is ParameterSource.DEFAULT_MAP and file is not None:
            return file.place(self.key)
        return self.flag

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """Return the place of a value that can't be taken."""
        return self.flag if ctx is None else self.place(ctx)


def _one(value: object, kind: type | tuple[type, ...], wanted: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(wanted)
    return value


def beside(address: str, folder: Path) -> str:
    """Return the address of a store whose file is meant from a folder."""
    kind, colon, path = address.partition(":")
    return f"{kind}{colon}{folder / path}" if kind == "sqlite" and path else address


def _read(ctx: click.Context, _: click.Parameter, path: str | None) -> None:
    if path is not None:
        from .config import read_config  # with what it needs, only where there is a file

        read_config(ctx, path)


LEVELS = ("debug", "info", "warning", "error")

_LIMITS: Mapping[str, str] = {
    "heartbeat_ms": "Longest silence of a running turn.",
    "message_bytes": "Largest message or request body.",
    "replay_ms": "How long a record can be read again.",
    "name_ms": "How long a bare name is kept behind that.",
    "flush_ms": "How long deltas are gathered before they are written.",
    "cached_ms": "How long a cached continuation lives.",
    "connection_ms": "How long a connection lives.",
    "draining_ms": "How long before a connection's end its notice comes.",
    "lanes": "Named lanes for each connection.",
    "turns_in_flight": "Turns that run at once on a connection.",
    "lane_queue": "Turns that may wait in a lane.",
    "continuations": "Continuations held for a principal.",
    "turns_held": "Records and names held for a principal.",
    "state_bytes": "Bytes of state held for a principal.",
    "running": "Turns that run at once for a principal.",
    "reader_ms": "How long a client may take nothing of what it is sent; then it is told, and cut off.",
    "slow_ms": "How long the scripted engine takes for a text asked for slowly.",
    "grace_ms": "What running turns get when the process is to end.",
}


def _limits() -> Sequence[Setting]:
    return [
        Setting(
            "--" + one.name.replace("_", "-"), type=click.IntRange(min=0), default=one.default, show_default=True,
            metavar="MS" if one.name.endswith("_ms") else "N", help=_LIMITS[one.name],
        )
        for one in fields(Settings) if one.name in _LIMITS
    ]  # fmt: skip


#: The table, by what the options are about.
GROUPS: Mapping[str, Sequence[Setting]] = {
    "The call": (
        Setting(
            "--config", metavar="FILE", is_eager=True, expose_value=False, callback=_read, on_the_line=True,
            help="Take options from a TOML file; flags and the environment go before it.",
        ),
        Setting(
            "--check-config", is_flag=True, allow_from_autoenv=False, on_the_line=True,
            help="Read everything, say what would be served, serve nothing.",
        ),
    ),
    "Who is served, and where": (
        Setting("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
        Setting("--port", default=8080, show_default=True, type=click.IntRange(0, 65_535), help="Port; 0 for any."),
        Setting(
            "--key", multiple=True, metavar="NAME=ENVVAR", table=True,
            help="Principal and the variable with its key; repeatable. Without any: this machine only.",
        ),
        Setting("--origin", multiple=True, help="Browser origin that may connect; repeatable."),
        Setting(
            "--allow-host", multiple=True, help="Without keys: another name that this machine goes by; repeatable."
        ),
        Setting("--plain-text", is_flag=True, help="Serve without TLS beyond this machine all the same; needs keys."),
    ),
    "Who generates": (
        Setting("--upstream", metavar="URL", help="A provider to ask, in place of the scripted engine."),
        Setting("--wire", metavar="WIRE", help="The upstream's wire; found out where it is left out."),
        Setting("--upstream-key-env", metavar="VAR", help="Environment variable with the key for the upstream."),
        Setting(
            "--upstream-timeout", type=click.FloatRange(min=0, min_open=True), default=120.0, show_default=True,
            metavar="S", help="How long the upstream may say nothing, in seconds.",
        ),
        Setting("--model", help="Name under which the engine is offered.  [default: scripted]"),
    ),
    "Where state lies": (
        Setting(
            "--store", default="memory", show_default=True, metavar="STORE", path=beside,
            help="`memory`; `sqlite:PATH`, which outlives the process; `valkey://HOST:PORT/DB`, for several nodes.",
        ),
    ),
    "What an operator sees": (
        Setting(
            "--log-level", type=click.Choice(LEVELS), default="warning", show_default=True,
            help="Least weight of what is logged, to standard error; `info` has a line for each turn.",
        ),
        Setting(
            "--log-format", type=click.Choice(("text", "json")), default="text", show_default=True,
            help="Lines for people, or a JSON object each.",
        ),
        Setting(
            "--metrics", metavar="WHERE", default="loopback", show_default=True,
            help="Where /metrics is: `loopback` (on the port, unless it is open to others), `on`, `off`, or HOST:PORT.",
        ),
    ),
    "Limits": tuple(_limits()),
}  # fmt: skip


def options(command: F) -> F:
    """Give a command every option of the table."""
    params = getattr(command, "__click_params__", [])
    # click reads them from the last to the first, as decorators put them there.
    params.extend(reversed([setting for group in GROUPS.values() for setting in group]))
    command.__click_params__ = params  # type: ignore[attr-defined]
    return command
