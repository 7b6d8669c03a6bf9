"""Several endpoints in one TOML file, each with the options of the command line under their own names.

    [defaults]
    timeout = 60

    [endpoint.staging]
    url = "https://staging.example/v1"
    model = "small"
    api-key-env = "STAGING_KEY"
    wire = ["openai-ws", "openai-http"]

What the command line says goes before an endpoint's own, and that before `[defaults]`. Paths are meant from the
folder of the file. A key that no option has is a mistake, and the nearest one is named.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from .arguments import Arguments
from .options import ONLY_ON_THE_LINE

__all__ = ["read_config"]

_TOP = ("defaults", "endpoint")
#: Options whose value is a file's name.
_PATHS = (
    "ca_file", "transcript", "baseline", "write_baseline", "json_path", "junit_path", "html_path", "markdown_path",
)  # fmt: skip


def read_config(ctx: click.Context, path: str, names: Sequence[str], given: Mapping[str, Any]) -> list[Arguments]:
    """Return the arguments for each endpoint of a file, or for those named; `given` are the command line's own.

    Raises UsageError that says the file, the endpoint and the key.
    """
    document = _parsed(path)
    _known(document, _TOP, path, "the file has")
    endpoints = document.get("endpoint", {})
    if not isinstance(endpoints, dict) or not endpoints or not all(isinstance(e, dict) for e in endpoints.values()):
        raise click.UsageError(f"{path} names no endpoint: write a table [endpoint.NAME] with its url")
    for name in names:
        if name not in endpoints:
            raise click.UsageError(f"{path} has no endpoint {name!r}{_nearest(name, endpoints)}")
    options = {_written(o): o for o in ctx.command.params if isinstance(o, click.Option) and o.name is not None}
    defaults = document.get("defaults", {})
    if not isinstance(defaults, dict):
        raise click.UsageError(f"{path}: `defaults` is a table of options")
    base = _values(ctx, defaults, options, path, "[defaults]", url=False)
    found = []
    for name in names or endpoints:
        own = _values(ctx, endpoints[name], options, path, f"[endpoint.{name}]", url=True)
        merged = {**base, **own, **given}
        for field in _PATHS:
            if isinstance(merged.get(field), str):
                merged[field] = merged[field].replace("{name}", name)
        found.append(Arguments(name=name, config_path=path, **merged))
    return found


def _parsed(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise click.UsageError(f"--config: can't read {path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path} is no TOML: {error}") from None


def _written(option: click.Option) -> str:
    return option.opts[0].removeprefix("--")


def _values(
    ctx: click.Context,
    table: Mapping[str, Any],
    options: Mapping[str, click.Option],
    path: str,
    where: str,
    *,
    url: bool,
) -> dict[str, Any]:
    """Return a table's values by the names of the arguments, each judged as the command line would judge it."""
    allowed = {name: option for name, option in options.items() if option.name not in ONLY_ON_THE_LINE}
    _known(table, [*allowed, *(["url"] if url else [])], path, f"{where} has", others=options)
    if url and not isinstance(table.get("url"), str):
        raise click.UsageError(f"{path}, {where}: an endpoint has a `url` (https://host/v1)")
    values: dict[str, Any] = {"url": table["url"]} if url else {}
    for key, value in table.items():
        if key == "url":
            continue
        option = allowed[key]
        assert option.name is not None
        try:
            values[option.name] = _converted(ctx, option, value)
        except click.BadParameter as error:
            raise click.UsageError(f"{path}, {where}: `{key}`: {error.message}") from None
        if option.name in _PATHS and values[option.name] != "-":
            values[option.name] = str(Path(path).parent / values[option.name])
    return values


def _converted(ctx: click.Context, option: click.Option, value: Any) -> Any:
    if option.is_flag:
        if not isinstance(value, bool):
            raise click.BadParameter("it is true or false")
        return value
    if option.multiple:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise click.BadParameter("it is a list of strings")
        return tuple(option.type.convert(each, option, ctx) for each in value)
    if option.name == "extra_body" and isinstance(value, dict):
        return value
    text = isinstance(option.type, click.types.StringParamType | click.Choice)
    if isinstance(value, bool | list | dict) or isinstance(value, str) is not text:
        raise click.BadParameter("it is a string" if text else "it is a number")
    return option.type.convert(value, option, ctx)


def _known(table: Iterable[str], allowed: Collection[str], path: str, what: str, others: Collection[str] = ()) -> None:
    for key in table:
        if key in allowed:
            continue
        if key in others:
            raise click.UsageError(f"{path}: {what} the key {key!r}, which is for the command line only")
        raise click.UsageError(f"{path}: {what} the unknown key {key!r}{_nearest(key, allowed)}")


def _nearest(word: str, words: Iterable[str]) -> str:
    near = difflib.get_close_matches(word.replace("_", "-"), [*words], n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f" (there is {', '.join(sorted(words))})"
