"""`segue serve`: the reference endpoint on a port."""

from __future__ import annotations

import os
from typing import Any

import click

from .options import PREFIX, ConfigFile, Setting, options

__all__ = ["serve"]


@click.command(context_settings={"auto_envvar_prefix": PREFIX})
@options
@click.pass_context
def serve(ctx: click.Context, /, *, check_config: bool, **given: Any) -> None:
    """Serve the reference endpoint.

    Without a key there is one principal, on this machine only. A key is given by the name of an environment variable,
    so that it stands in no process list: --key alice=ALICE_KEY.

    With --store sqlite:PATH turns and continuations survive a process that is killed; sqlite:PATH?synchronous=full
    waits for the disk at each step, survives a power cut too, and offers the retention `durable`. With --store
    valkey://HOST:PORT/DB (or redis://) several nodes share one state: a turn of one is read and cancelled on another.

    With --upstream URL a provider generates, and is sent the whole history each time: the state lies here. It is asked
    over --wire; its key is read from the variable of --upstream-key-env, and no client sees it.

    Each option can stand in the environment too, --cached-ms as SEGUE_CACHED_MS, and in the file of --config, as
    cached-ms. A flag goes before the environment, and that before the file.
    """
    from .setup import Setup

    setup = Setup.of(ctx, given)
    if check_config:
        _tell(ctx, setup)
        return
    # Imported here: what is wrong with the options is said before a server's worth of modules is loaded.
    from .server import run

    observed = setup.observed()
    metrics = None if observed.metrics is None or setup.metrics.host is not None else observed.metrics.serve
    endpoint = setup.endpoint(observed.observer)

    def ready(url: str) -> None:
        click.echo(f"Segue serves on {url}")
        observed.observer.serving(url)

    try:
        with setup.scraped(observed):
            run(endpoint, setup.host, setup.port, ready, metrics)
    except SystemExit:
        raise click.ClickException(f"can't listen on {setup.host}:{setup.port}: is the port taken?") from None
    finally:
        observed.flush()


def _tell(ctx: click.Context, setup: Any) -> None:
    """Say what would be served, where that was said, and which variables look meant and are not."""
    for subject, told in setup.told():
        click.echo(f"{subject + ':':<12} {told}")
    settings = [one for one in ctx.command.params if isinstance(one, Setting)]
    file = ConfigFile.of(ctx)
    if file is not None:
        click.echo(f"{'file:':<12} {file.path}")
    variables = {one.variable for one in settings} - {None}
    for name in sorted(os.environ):
        if not name.startswith(f"{PREFIX}_"):
            continue
        if name in variables:
            click.echo(f"{'environment:':<12} {name}")
        else:
            click.echo(f"{'note:':<12} {name} is set, and is the variable of no option")
