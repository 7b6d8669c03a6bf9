"""`segue serve`: the reference endpoint on a port."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from .settings import Settings

if TYPE_CHECKING:
    from .engines.base import Engine

__all__ = ["serve"]

_HELP = {
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
    "reader_ms": "How long a client may take nothing of what it is sent.",
    "slow_ms": "How long the scripted engine takes for a text asked for slowly.",
    "grace_ms": "What running turns get when the process is to end.",
}


def _limits(command: Any) -> Any:
    """Give the command an option for each number of the settings."""
    for limit in reversed(fields(Settings)):
        if limit.name in _HELP:
            flag = "--" + limit.name.replace("_", "-")
            kind = click.IntRange(min=0)
            text = _HELP[limit.name]
            command = click.option(flag, type=kind, default=limit.default, show_default=True, help=text)(command)
    return command


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65_535), help="Port; 0 for any.")
@click.option("--key", "keys", multiple=True, metavar="NAME=ENVVAR", help="Principal and the variable with its key.")
@click.option(
    "--store",
    "address",
    default="memory",
    show_default=True,
    metavar="STORE",
    help="Where state lies: memory; sqlite:PATH, which outlives the process; valkey://HOST:PORT/DB, for several nodes.",
)
@click.option("--upstream", metavar="URL", help="A provider to ask, in place of the scripted engine.")
@click.option("--wire", metavar="WIRE", help="The upstream's wire; found out where it is left out.")
@click.option("--upstream-key-env", metavar="VAR", help="Environment variable with the key for the upstream.")
@click.option(
    "--upstream-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    metavar="S",
    help="How long the upstream may say nothing.",
)
@click.option("--model", help="Name under which the engine is offered.  [default: scripted]")
@click.option("--origin", "origins", multiple=True, help="Browser origin that may connect.")
@click.option("--allow-host", "hosts", multiple=True, help="Without keys: another name that this machine goes by.")
@click.option("--plain-text", is_flag=True, help="Serve without TLS beyond this machine all the same.")
@_limits
def serve(
    host: str,
    port: int,
    keys: tuple[str, ...],
    address: str,
    upstream: str | None,
    wire: str | None,
    upstream_key_env: str | None,
    upstream_timeout: float,
    model: str | None,
    origins: tuple[str, ...],
    hosts: tuple[str, ...],
    plain_text: bool,
    **limits: Any,
) -> None:
    """Serve the reference endpoint.

    Without a key there is one principal, on this machine only. A key is given by the name of an environment variable,
    so that it stands in no process list: --key alice=ALICE_KEY.

    With --store sqlite:PATH turns and continuations survive a process that is killed; sqlite:PATH?synchronous=full
    waits for the disk at each step, survives a power cut too, and offers the retention `durable`. With --store
    valkey://HOST:PORT/DB (or redis://) several nodes share one state: a turn of one is read and cancelled on another.

    With --upstream URL a provider generates, and is sent the whole history each time: the state lies here. It is asked
    over --wire; its key is read from the variable of --upstream-key-env, and no client sees it.
    """
    # Imported here: `segue --help` lists this command without starting a server's worth of modules.
    from .endpoint import Endpoint
    from .server import is_loopback, run
    from .stores.base import Bounds
    from .stores.opening import Unusable, open_store

    secrets = dict(_secret(key) for key in keys)
    if not is_loopback(host):
        if not secrets:
            raise click.UsageError(f"without --key the endpoint serves this machine only, not {host}")
        if not plain_text:
            raise click.UsageError(f"{host} is not this machine: put TLS in front, or say --plain-text")
    engine = None if upstream is None else _engine(upstream, wire, upstream_key_env, upstream_timeout, model)
    if upstream is None and (wire or upstream_key_env):
        raise click.UsageError("--wire and --upstream-key-env are about an --upstream, and none is given")
    settings = Settings(
        model=model or "scripted", origins=frozenset(origins), hosts=frozenset(map(str.lower, hosts)), **limits
    )
    try:
        store = open_store(address, Bounds.of(settings))
    except Unusable as error:
        raise click.UsageError(f"--store: {error}") from None
    endpoint = Endpoint(engine, settings=settings, keys=secrets, store=store)
    try:
        run(endpoint, host, port, lambda url: click.echo(f"Segue serves on {url}"))
    except SystemExit:
        raise click.ClickException(f"can't listen on {host}:{port}: is the port taken?") from None


def _engine(url: str, wire: str | None, variable: str | None, silence: float, model: str | None) -> Engine:
    from segue_adapters.wires.base import WIRE_NAMES

    from .engines.opening import UnusableUpstream, open_upstream

    if wire is not None and wire not in WIRE_NAMES:
        raise click.UsageError(f"--wire: {wire!r} is none of {', '.join(WIRE_NAMES)}")
    key = None if variable is None else os.environ.get(variable, "")
    if key == "":
        raise click.UsageError(f"the environment variable {variable} of --upstream-key-env is not set")
    try:
        return open_upstream(url, wire, key=key, silence=silence, models=() if model is None else (model,))
    except UnusableUpstream as error:
        raise click.ClickException(f"--upstream {url}: {error}") from None


def _secret(key: str) -> tuple[str, str]:
    name, _, variable = key.partition("=")
    if not name or not variable:
        raise click.UsageError(f"--key wants NAME=ENVVAR, got {key!r}")
    secret = os.environ.get(variable, "")
    if not secret:
        raise click.UsageError(f"the environment variable {variable} of --key {name} is not set")
    return name, secret
